package crm

// A Consent is one recorded yes or no to mail: who asked what, where, and what
// was answered. The latest one for an address and topic holds, and of a yes and
// a no at one instant the no.
type Consent struct {
	// Email is the address the answer is about. Defaults to the fact's Email;
	// one of the two is needed.
	Email string `json:"email,omitempty"`
	// Topic narrows the answer to one kind of mail, such as "newsletter".
	// Empty means all marketing.
	Topic string `json:"topic,omitempty"`
	// Granted is the answer: true opts in, false opts out.
	Granted bool `json:"granted"`
	// Source says where it was given: "checkout", "form", "import", "link", ….
	Source string `json:"source,omitempty"`
	// Form is the version of the form, Wording the text that was shown. A
	// grant with Source "import" counts only if one of them proves it.
	Form    string `json:"form,omitempty"`
	Wording string `json:"wording,omitempty"`
	// PreTicked reports that the box was ticked before she saw it.
	PreTicked bool `json:"pre_ticked,omitempty"`
}

// Validate reports the first field that cannot be stored.
func (c Consent) Validate() error {
	var k check
	c.check(&k)
	return k.err()
}

func (c Consent) check(k *check) {
	k.text("Email", c.Email, MaxName)
	k.label("Topic", c.Topic, MaxName)
	k.label("Source", c.Source, MaxName)
	k.label("Form", c.Form, MaxName)
	k.text("Wording", c.Wording, MaxText)
}

// proven reports whether a grant has the evidence it needs.
func (c Consent) proven() bool {
	return c.Source != "import" || c.Form != "" || c.Wording != ""
}

package crm

import "time"

// A MessageState is where a message is in its life.
//
//	queued → claimed → started → sent | failed | unknown
//	queued | claimed → skipped
//
// A failure before the start, and a temporary one after it, leads back to
// queued. An unknown transactional message is queued again, once.
type MessageState string

// The states of a message.
const (
	MessageQueued  MessageState = "queued"  // decided, waiting for its time
	MessageClaimed MessageState = "claimed" // leased by a worker that has not begun to send it
	MessageStarted MessageState = "started" // being sent: from here on it may arrive
	MessageSent    MessageState = "sent"    // taken by the mail system
	MessageFailed  MessageState = "failed"  // refused for good, or given up
	MessageUnknown MessageState = "unknown" // may or may not have been taken: a worker died or an answer was lost
	MessageSkipped MessageState = "skipped" // not sent, for the reason it carries
)

// A Class says what law and courtesy ask of a message.
type Class string

// The classes of message.
const (
	// Transactional messages (order, shipping, password) need no consent. One
	// whose fate is unknown is sent again, once.
	Transactional Class = "transactional"
	// Service messages (care after a purchase, without an offer) need no grant
	// but respect an opt-out. Sent at most once.
	Service Class = "service"
	// Marketing messages need a recorded grant. Sent at most once.
	Marketing Class = "marketing"
)

// A Message is one mail to one customer, from the decision to send it to its
// end. It is unique by (shop, enrollment, step, visit), from which ID is made.
type Message struct {
	ID         string `json:"id"`         // ID is a UUID made from the send key.
	Enrollment string `json:"enrollment"` // Enrollment is the run of the journey it belongs to.
	Journey    string `json:"journey"`
	Version    int    `json:"version"` // Version is the journey's.
	Step       string `json:"step"`
	Visit      int    `json:"visit"` // Visit counts how often the run has come to the step, from 1.

	Template        string `json:"template"`
	TemplateVersion int    `json:"template_version"`
	Class           Class  `json:"class"`
	Lane            Lane   `json:"lane,omitempty"` // Lane is the lane it is sent in; "" means [Prompt].

	Customer   string `json:"customer"`              // Customer is the key of the customer it is for.
	AddressKey string `json:"address_key,omitempty"` // AddressKey is the guest key of the address it goes to.
	CartKey    string `json:"cart_key,omitempty"`    // CartKey is the key of the cart it is about, or "".
	Order      string `json:"order,omitempty"`       // Order is the id of the order it is about, or "".
	To         string `json:"to,omitempty"`          // To is the address at the time of the decision; "" once erased.

	SendAt   time.Time `json:"send_at"`           // SendAt is when it is due.
	Deadline time.Time `json:"deadline,omitzero"` // Deadline is when it is no longer worth sending.

	State      MessageState `json:"state"`
	Reason     Reason       `json:"reason,omitempty"`     // Reason says why it was skipped, failed, put off or is unknown.
	Stopped    Reason       `json:"stopped,omitempty"`    // Stopped says why it must not be tried again: it was to be skipped while it was being sent, or unknown.
	Attempt    int          `json:"attempt"`              // Attempt counts claims and is the lease's token.
	LeaseUntil time.Time    `json:"lease_until,omitzero"` // LeaseUntil is zero unless claimed or started.
	Failures   int          `json:"failures,omitempty"`   // Failures counts sends that did not get through.
	Unknowns   int          `json:"unknowns,omitempty"`   // Unknowns counts attempts whose outcome is unknown.
	StartedAt  time.Time    `json:"started_at,omitzero"`  // StartedAt is when it was last started.
	SettledAt  time.Time    `json:"settled_at,omitzero"`  // SettledAt is when it was sent, skipped, failed or became unknown.

	// Content is what was given to the mailer, stored before the first start
	// and never changed: the complete RFC 5322 message, or, for a mailer that
	// does not compose, a mailer.Message as JSON. Nil before, and where a
	// query did not ask for it.
	Content []byte `json:"-"`
}

package crm

// For the tests of documents, which play scripts to get some.
var DecodeDocument = decodeDocument

func EncodeDocument(v Documented) ([]byte, error) {
	b, _, err := new(document).encode(v, nil)
	return b, err
}

type (
	CustomerState = customerState
	OrderState    = orderState
	FactJSON      = factJSON
	Documented    = documented
)

// Documents make an empty document of each type, by name.
func Documents() map[string]func() Documented {
	types := map[string]func() Documented{
		"customer": func() Documented { return new(customerState) },
		"order":    func() Documented { return new(orderState) },
	}
	for name, empty := range bodies {
		if _, ok := empty().(documented); ok {
			types[string(name)] = func() Documented { return empty().(documented) }
		}
	}
	return types
}

// Read returns the fact that r holds.
func (r FactRow) Read() (Fact, error) { return r.fact() }

package crm

import "time"

// Hooks are told what goes on, for metrics: what they count and time is theirs
// to choose. Any of them may be nil. They are called by many goroutines at
// once, in the way of the work, so they must be quick. They get no personal data.
type Hooks struct {
	// Folded: one transaction folded customers of a shop and lane.
	Folded func(shop string, lane Lane, customers int, took time.Duration)
	// Claimed: one transaction claimed messages of a shop and lane.
	Claimed func(shop string, lane Lane, messages int, took time.Duration)
	// Settled: an attempt to send ended in a state, for a reason if it has
	// one: [MessageSent], [MessageFailed], [MessageUnknown], [MessageSkipped],
	// or [MessageQueued] if it is to be tried again.
	Settled func(shop string, state MessageState, reason Reason)
	// Failed: the store failed a worker, which will try again.
	Failed func(err error)
}

func (h *Hooks) folded(shop string, lane Lane, customers int, took time.Duration) {
	if h.Folded != nil {
		h.Folded(shop, lane, customers, took)
	}
}

func (h *Hooks) claimed(shop string, lane Lane, messages int, took time.Duration) {
	if h.Claimed != nil {
		h.Claimed(shop, lane, messages, took)
	}
}

func (h *Hooks) settled(shop string, state MessageState, reason Reason) {
	if h.Settled != nil {
		h.Settled(shop, state, reason)
	}
}

func (h *Hooks) failed(err error) {
	if h.Failed != nil {
		h.Failed(err)
	}
}

package crm

// A Reason says in one word why something was not done. Reasons are stable:
// they may be counted and shown.
type Reason string

// Reasons for a skipped message, a refused enrollment or an ended run.
const (
	ReasonBought      Reason = "bought"       // she had bought: an exit rule on an order matched
	ReasonExit        Reason = "exit"         // another exit rule matched
	ReasonCartChanged Reason = "cart_changed" // the cart changed, and its journey starts over
	ReasonCartEmptied Reason = "cart_emptied" // nothing is left in the cart
	ReasonNoConsent   Reason = "no_consent"   // no grant is on record for marketing
	ReasonOptedOut    Reason = "opted_out"    // the address opted out
	ReasonNoAddress   Reason = "no_address"   // no mail address is known
	ReasonUnmailable  Reason = "unmailable"   // the address is broken or hidden behind a mall's mask
	ReasonWithdrawn   Reason = "withdrawn"    // the customer closed her account
	ReasonUseStopped  Reason = "use_stopped"  // she asked that her data be used no longer
	ReasonHold        Reason = "hold"         // marketing is on hold for her
	ReasonErased      Reason = "erased"       // the customer was erased
	ReasonLate        Reason = "late"         // the deadline had passed
	ReasonMode        Reason = "mode"         // the deployment does not send
	ReasonReentry     Reason = "reentry"      // the journey does not take her again
	ReasonCooldown    Reason = "cooldown"     // the journey does not take her again yet
	ReasonActive      Reason = "active"       // she is in the journey already
	ReasonVisits      Reason = "visits"       // a loop came round too often
)

// Reasons for what happened to an attempt to send.
const (
	ReasonTemporary Reason = "temporary" // the mail system asked to try later
	ReasonPermanent Reason = "permanent" // the mail system refused the message
	ReasonTries     Reason = "tries"     // given up after too many temporary failures
	ReasonRender    Reason = "render"    // the template could not be rendered
	ReasonLost      Reason = "lost"      // the mail system's answer was lost
	ReasonCrash     Reason = "crash"     // the worker that was sending it is gone
	ReasonPanic     Reason = "panic"     // the mailer or a template panicked
)

// Reasons for a fact that was set aside, or kept and reported.
const (
	ReasonUndecodable Reason = "undecodable" // the stored fact could not be read
	ReasonCurrency    Reason = "currency"    // the order's currency is not the shop's
)

package history

// Stats account for the lines of a file. Each is counted once:
//
//	Lines = Sold + Returned + the sum of Dropped
type Stats struct {
	Lines    int            // Lines is how many the file has, without its header.
	Sold     int            // Sold is how many are in orders, before adding up.
	Returned int            // Returned is how many are in refunds, before adding up.
	Dropped  map[Reason]int // Dropped is how many are in neither, by reason.

	// Capped is how many of the returned lines name a higher price than was paid
	// and are credited at what was paid.
	Capped int
	// WithoutOrders is how many customers have no order and are left out.
	WithoutOrders int
}

// A Reason says why a line is neither in an order nor in a refund.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	NoCustomer Reason = "no_customer" // NoCustomer: the line has no CustomerID.
	Adjustment Reason = "adjustment"  // Adjustment: manual entries, discounts, bank charges and the like, by stock code.
	NoPrice    Reason = "no_price"    // NoPrice: the price is below one penny: gifts, samples, corrections.
	WrongSign  Reason = "wrong_sign"  // WrongSign: an order's quantity is not positive, or a cancellation's not negative.
	NoGoods    Reason = "no_goods"    // NoGoods: the line is a shipping fee on an invoice without goods.
	Unmatched  Reason = "unmatched"   // Unmatched: no earlier order has enough of what is given back.
)

// shipping are the stock codes of postage and carriage.
var shipping = map[string]bool{"POST": true, "DOT": true, "C2": true}

// adjustments are the stock codes that stand for no goods.
var adjustments = map[string]bool{
	"M": true, "m": true, // manual
	"D":            true, // discount
	"B":            true, // bad debt
	"S":            true, // samples
	"CRUK":         true, // commission
	"AMAZONFEE":    true,
	"BANK CHARGES": true,
}

package crm

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// The prefixes of keys that goen makes. A cart's own customer id never begins
// with one of them.
const (
	guestPrefix = "guest:"
	cartPrefix  = "cart:"
)

// NormalizeEmail brings an address into the form by which goen compares
// addresses: full-width characters narrowed (NFKC), spaces around it cut,
// letters lowered. It does not judge whether the address is valid.
func NormalizeEmail(email string) string {
	return cleanEmail(strings.ToLower(cleanEmail(email))) // lowering may undo what cleaning did
}

// cleanEmail undoes what typing does to an address and keeps its case, which
// the local part's own server may heed: mail goes to this form.
func cleanEmail(email string) string {
	return strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(email, "\uFFFD")))
}

// GuestKey returns the customer key of a guest: a digest of the normalized
// address, so that keys in logs and tables name nobody.
func GuestKey(email string) string {
	sum := sha256.Sum256([]byte("goen guest\n" + NormalizeEmail(email)))
	return guestPrefix + hex.EncodeToString(sum[:16])
}

func cartKey(id string) string { return cartPrefix + id }

func isGuest(key string) bool { return strings.HasPrefix(key, guestPrefix) }
func isCart(key string) bool  { return strings.HasPrefix(key, cartPrefix) }

// isAccount reports whether key is a cart's own customer id.
func isAccount(key string) bool { return !isGuest(key) && !isCart(key) }

// keys returns the customers that f concerns: the one it is about first, then
// the address and the cart it names. Each has an inbox, and none of them is
// sent anything before the fact is folded: a cart left as a guest and an order
// placed as a member share the address or the cart.
func (f Fact) keys() []string {
	if f.named != nil {
		return f.named
	}
	var keys []string
	if f.Customer != "" {
		keys = append(keys, f.Customer)
	}
	if email := f.email(); email != "" {
		keys = append(keys, GuestKey(email))
	}
	if key := f.addressKey(); key != "" && !slices.Contains(keys, key) {
		keys = append(keys, key)
	}
	if id := f.cart(); id != "" {
		keys = append(keys, cartKey(id))
	}
	return keys
}

// email is the address that f gives for its customer, "" if none. A patch's
// own address goes before the fact's.
func (f Fact) email() string {
	if saved, ok := f.Body.(CustomerSaved); ok && saved.Email != nil && *saved.Email != "" {
		return *saved.Email
	}
	return f.Email
}

// addressKey is the key of the address that an answer about consent is about,
// or else of the address of the fact's customer; "" if there is none.
func (f Fact) addressKey() string {
	email := f.email()
	if consent, ok := f.Body.(ConsentChanged); ok && consent.Email != "" {
		email = consent.Email
	}
	if email == "" {
		return ""
	}
	return GuestKey(email)
}

// cart is the id of the cart that f names, "" if none.
func (f Fact) cart() string {
	switch body := f.Body.(type) {
	case CartUpdated:
		return body.Cart.ID
	case OrderSaved:
		return body.Order.Cart
	}
	return ""
}

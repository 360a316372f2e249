package main

import "strings"

// A sender is an envelope sender by which the sink knows at MAIL already who
// is about to send which mail, as mailing lists do that put the recipient
// there.
type sender struct {
	Worker  string
	Message string // Message is goen's id of the message, a UUID.
	Subject string // Subject is words of ASCII letters and digits.
	To      string // To is an address at [customerDomain].
}

const (
	senderDomain   = "@worker.example.jp"
	customerDomain = "@example.jp"
)

// address is the sender as an address of at most 64 bytes before the @.
func (s sender) address() string {
	return strings.Join([]string{
		s.Worker, strings.ReplaceAll(s.Message, "-", ""), strings.ReplaceAll(s.Subject, " ", "-"), strings.TrimSuffix(s.To, customerDomain),
	}, ".") + senderDomain
}

// parseSender undoes address; ok is false for an address of another kind.
func parseSender(address string) (s sender, ok bool) {
	local, ok := strings.CutSuffix(address, senderDomain)
	parts := strings.Split(local, ".")
	if !ok || len(parts) != 4 || len(parts[1]) != 32 {
		return s, false
	}
	id := parts[1]
	return sender{
		Worker: parts[0], Message: strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-"),
		Subject: strings.ReplaceAll(parts[2], "-", " "), To: parts[3] + customerDomain,
	}, true
}

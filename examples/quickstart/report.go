package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// introduce says what is about to be seen, and what of it is real.
func (s *show) introduce() {
	first, last := s.start.Format(time.DateOnly), s.end.AddDate(0, 0, -1).Format(time.DateOnly)
	orders := 0
	for _, c := range s.history.Customers {
		orders += len(c.Orders)
	}
	s.screen.title("goen クイックスタート: ある雑貨店の1年", "goen quickstart: a year of a gift shop")
	s.screen.say("  本物      注文・返品・商品・金額・日時 (UCI Online Retail, %s から %s)", "  real      orders, returns, goods, amounts and times (UCI Online Retail, %s to %s)", first, last)
	s.screen.say("            お客様 %s人、注文 %s件", "            %s customers, %s orders", thousands(len(s.history.Customers)), thousands(orders))
	s.screen.say("  作りもの  氏名・メールアドレス・配信同意・カゴ・支払い・配送 (IDのハッシュで毎回同じ)", "  made up   names, addresses, consents, carts, payment, delivery (hashes of ids: always the same)")
	if s.market.currency == "JPY" {
		s.screen.say("            円は1ポンド=%d円の固定換算。店の時計は東京とみなす", "            yen at a fixed %d to the pound; the shop's clock is taken for Tokyo's", yenPerPound)
	}
	s.screen.say("  宛先は .example なので、どこにも届きません", "  All addresses end in .example: nothing can reach anybody")
	s.screen.title("1. 1年を早送り (ワーカーは仮想時間で2時間に1度見にくる)", "1. The year, fast forward (a worker looks in every two hours of virtual time)")
}

// report shows what the shop looks like at the end.
func (s *show) report(ctx context.Context, d *desk, b *books) error {
	s.customers(b)
	s.ranks(b)
	s.mails(b)
	if err := s.explain(ctx, d, b); err != nil {
		return err
	}
	s.comingWeek(b)
	if err := s.sampleMails(ctx, d, b); err != nil {
		return err
	}
	s.promises(b)
	return nil
}

func (s *show) customers(b *books) {
	s.screen.title("3. お客様", "3. Customers")
	s.screen.say("  お客様 %s人  注文 %s件  ファクト %s件  ジャーニー %s本  ゲストから会員へ %d人",
		"  %s customers  %s orders  %s facts  %s journeys begun  %d guests became members",
		thousands(b.Customers), thousands(b.Orders), thousands(b.Facts), thousands(b.Enrollments), b.Merged)
	s.screen.say("  F2転換率 %.1f%% (2回以上買った人の割合)\n", "  F2 rate %.1f%% (buyers who bought again)\n", b.F2*100)
	s.screen.heatMap(b.rfm.Table.Heat)
	s.screen.print("\n")
	most := 0
	for _, class := range b.rfm.Table.Classes {
		most = max(most, class.Customers)
	}
	for _, class := range b.rfm.Table.Classes {
		revenue := crm.FormatMoney(crm.Money{Minor: class.Monetary, Currency: s.market.currency}, s.lang)
		name := pad(s.screen.text(class.Class.NameJA, class.Class.Name), 28)
		s.screen.print("  %s%4d  %s%s  %s\n", name, class.Customers, strings.Repeat(" ", max(0, 14-columns(revenue))), revenue, s.screen.bar(class.Customers, most, 30))
	}
}

func (s *show) ranks(b *books) {
	s.screen.print("\n")
	line := s.screen.text("  会員ランク", "  ranks")
	line += "  none " + thousands(b.Ranks["none"])
	for _, r := range s.market.ladder().Ranks {
		line += fmt.Sprintf("  %s %s", r.Name, thousands(b.Ranks[r.ID]))
	}
	s.screen.print("%s\n", line)
}

func (s *show) mails(b *books) {
	s.screen.title("4. メール", "4. Mails")
	s.screen.say("  ジャーニー        メール            送信  見送り", "  journey           mail              sent  skipped")
	for _, m := range b.Mails {
		s.screen.print("  %-16s  %-16s %5d  %7d\n", m.Journey, m.Step, m.Sent, m.Skipped)
	}
	s.screen.print("\n")
	reasons := make([]crm.Reason, 0, len(b.Skipped))
	for reason := range b.Skipped {
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(x, y crm.Reason) int { return cmp.Or(b.Skipped[y]-b.Skipped[x], cmp.Compare(x, y)) })
	s.screen.say("  見送りの理由", "  why mails were skipped")
	for _, reason := range reasons {
		s.screen.print("  %-16s %5d\n", reason, b.Skipped[reason])
	}
	s.screen.print("\n")
	s.screen.print("  %s\n", s.screen.paint("1;32", fmt.Sprintf(s.screen.text(
		"買ったので見送ったメール %d通", "mails withheld because she had bought: %d"), b.Withheld)))
	s.screen.say("  ほかに、注文で %d本のジャーニーが次のメールの前に終わった", "  besides, %d journeys were ended by an order before their next mail", b.Stopped)
}

// explain tells one customer's whole story.
func (s *show) explain(ctx context.Context, d *desk, b *books) error {
	c := b.heroine(s.lang)
	if c == nil {
		return nil
	}
	told, err := d.shop.Explain(ctx, c.ID)
	if err != nil {
		return err
	}
	s.screen.title("5. なぜ届き、なぜ届かなかったか: "+crm.FormatName(c.Profile, s.lang), "5. Why a mail came, and why not: "+crm.FormatName(c.Profile, s.lang))
	for line := range strings.Lines(told.String()) {
		line = clip(strings.TrimRight(line, "\n"), 96)
		if strings.Contains(line, string(crm.ReasonBought)) {
			line = s.screen.paint("1;32", line)
		}
		s.screen.print("  %s\n", line)
	}
	s.screen.say("\n  bought の行: 列に並んでいたメールを、注文があったので取り下げた",
		"\n  lines with \"bought\": a mail was in the queue, and was withheld because of the order")
	return nil
}

// heroine is a customer who got a cart mail, and for whom one was withheld
// because she had bought again: of those, the one with the shortest story.
func (b *books) heroine(lang string) *crm.Customer {
	got, spared, length := make(map[string]bool), make(map[string]time.Time), make(map[string]int)
	for _, m := range b.messages {
		length[m.Customer]++
		if m.Journey == "cart-recovery" {
			got[m.Customer] = got[m.Customer] || m.State == crm.MessageSent
			if m.Reason == crm.ReasonBought {
				spared[m.Customer] = m.SendAt
			}
		}
	}
	var best *crm.Customer
	for _, c := range b.customers {
		length[c.ID] += 4 * len(c.Orders)
		if got[c.ID] && spared[c.ID].After(c.Purchases.First) && c.Locale == lang && (best == nil || length[c.ID] < length[best.ID]) {
			best = c
		}
	}
	return best
}

// comingWeek shows what the journeys under way will do next.
func (s *show) comingWeek(b *books) {
	s.screen.title("6. これからの7日間", "6. The next seven days")
	until := s.end.Add(7 * day)
	type entry struct {
		customer *crm.Customer
		crm.Enrollment
	}
	var list []entry
	for _, c := range b.customers {
		for _, e := range c.Enrollments {
			if !e.Due.After(until) {
				list = append(list, entry{c, e})
			}
		}
	}
	slices.SortFunc(list, func(x, y entry) int { return cmp.Or(x.Due.Compare(y.Due), cmp.Compare(x.ID, y.ID)) })
	const shown = 8
	for _, e := range list[:min(shown, len(list))] {
		due := e.Due.In(s.market.zone)
		s.screen.print("  %s %s  %s %-16s %s\n", pad(crm.FormatDate(due, s.lang), 21), due.Format("15:04"),
			pad(crm.FormatName(e.customer.Profile, s.lang), 16), e.Journey, e.Step)
	}
	if rest := len(list) - shown; rest > 0 {
		s.screen.say("  ほか %d件", "  and %d more", rest)
	}
}

// promises shows the figures that must be right.
func (s *show) promises(b *books) {
	s.screen.title("8. 約束", "8. Promises")
	s.screen.say("  同意のない広告 %d通  買った人へのカゴ落ちメール %d通 (goenの規則を使わず、ファクトとだけ照合)",
		"  marketing without consent %d  cart mails after a purchase %d (checked against the facts alone)", b.Unasked, b.AfterBought)
	if b.Received == nil {
		s.screen.say("  送信 %s通 (%s へ。届いた数はそちらで)", "  %s mails sent (to %s: count them there)", thousands(b.Sent), s.address)
	} else {
		s.screen.say("  送信 %s通 = サーバーが受け取った %s通", "  %s mails sent = %s received by the server", thousands(b.Sent), thousands(*b.Received))
		s.screen.say("  kill -9 %d回  失われた %d通  二重に届いた %d通", "  %d kills  %d lost  %d twice", b.Kills, *b.Lost, *b.Duplicates)
		s.screen.say("  うち %d通は送信開始を記録した直後に落ちて結果不明。サーバーのログに無いことを確かめて再送",
			"  of the killed %d was marked as started: unknown, not in the server's log, so sent after all", b.Resolved)
	}
	s.screen.say("  所要 %.1f秒", "  %.1f seconds", b.Seconds)
	if s.kept() {
		s.screen.say("  データベース %s", "  database %s", s.database)
	}
}

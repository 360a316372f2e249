package main

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/examples/quickstart/history"
)

// A person is the made-up buyer behind one of the data set's customer numbers.
// All of it is a hash of the number; nothing is known of the real ones.
type person struct {
	id     string // id is the customer number of the data set.
	email  string
	locale string
	name   name

	// guest orders without an account. One of three opens an account later,
	// with the address used all along: then account is when, else it is zero.
	guest   bool
	account time.Time
	// optIn is what was answered at the first checkout; optOut is when the
	// answer was taken back, zero if never.
	optIn  bool
	optOut time.Time
}

// A name is one in its own script, with what a Japanese form asks for besides.
type name struct{ family, given, familyKana, givenKana, mailbox string }

// mallDomain stands for the addresses with which a mall hides its buyers: the
// shop's settings say that they are not to be mailed.
const mallDomain = "masked.mall.example"

func newPerson(c history.Customer, lang string) person {
	p := person{id: c.ID, guest: chance(100, c.ID, "guest") < 14, optIn: chance(100, c.ID, "opt-in") < 84}
	p.locale = lang
	if chance(100, c.ID, "language") < 12 {
		p.locale = map[string]string{"ja": "en", "en": "ja"}[lang]
	}
	p.name = newName(c.ID, p.locale)
	// Nothing under .example can ever be delivered (RFC 2606), even if the mails
	// are sent to a real relay.
	p.email = fmt.Sprintf("%s.%s@post.example", p.name.mailbox, c.ID)
	if chance(100, c.ID, "mall") < 2 {
		p.email = fmt.Sprintf("%s@%s", c.ID, mallDomain)
	}
	first, last := c.Orders[0].Time, c.Orders[len(c.Orders)-1].Time
	if p.guest && len(c.Orders) > 1 && chance(3, c.ID, "account") == 0 {
		p.account = last.Add(-20 * time.Minute)
	}
	if p.optIn && chance(100, c.ID, "opt-out") < 9 {
		p.optOut = first.Add(between(5*24*time.Hour, 150*24*time.Hour, c.ID, "opt-out at"))
	}
	return p
}

// customer is the id that the cart gives at an instant, "" for a guest.
func (p person) customer(at time.Time) string {
	if p.guest && (p.account.IsZero() || at.Before(p.account)) {
		return ""
	}
	return p.id
}

// patch is what the cart knows of the person.
func (p person) patch() crm.CustomerPatch {
	patch := crm.CustomerPatch{
		Email: &p.email, Locale: &p.locale, FamilyName: &p.name.family, GivenName: &p.name.given,
	}
	if p.name.familyKana != "" {
		patch.FamilyKana, patch.GivenKana = &p.name.familyKana, &p.name.givenKana
	}
	return patch
}

func newName(id, locale string) name {
	if locale == "ja" {
		family, given := pick(japaneseFamily, id, "family"), pick(japaneseGiven, id, "given")
		return name{family[0], given[0], family[1], given[1], given[2] + "." + family[2]}
	}
	family, given := pick(englishFamily, id, "family"), pick(englishGiven, id, "given")
	return name{family: family[0], given: given[0], mailbox: given[1] + "." + family[1]}
}

// Names are common ones, as written, read and put into an address.
var (
	japaneseFamily = [][3]string{
		{"佐藤", "サトウ", "sato"}, {"鈴木", "スズキ", "suzuki"}, {"高橋", "タカハシ", "takahashi"}, {"田中", "タナカ", "tanaka"},
		{"伊藤", "イトウ", "ito"}, {"渡辺", "ワタナベ", "watanabe"}, {"山本", "ヤマモト", "yamamoto"}, {"中村", "ナカムラ", "nakamura"},
		{"小林", "コバヤシ", "kobayashi"}, {"加藤", "カトウ", "kato"}, {"吉田", "ヨシダ", "yoshida"}, {"山田", "ヤマダ", "yamada"},
		{"佐々木", "ササキ", "sasaki"}, {"松本", "マツモト", "matsumoto"}, {"井上", "イノウエ", "inoue"}, {"木村", "キムラ", "kimura"},
		{"清水", "シミズ", "shimizu"}, {"林", "ハヤシ", "hayashi"}, {"斎藤", "サイトウ", "saito"}, {"山口", "ヤマグチ", "yamaguchi"},
		{"池田", "イケダ", "ikeda"}, {"橋本", "ハシモト", "hashimoto"}, {"石川", "イシカワ", "ishikawa"}, {"前田", "マエダ", "maeda"},
	}
	japaneseGiven = [][3]string{
		{"花子", "ハナコ", "hanako"}, {"美咲", "ミサキ", "misaki"}, {"陽子", "ヨウコ", "yoko"}, {"由美子", "ユミコ", "yumiko"},
		{"恵", "メグミ", "megumi"}, {"真由美", "マユミ", "mayumi"}, {"さくら", "サクラ", "sakura"}, {"千尋", "チヒロ", "chihiro"},
		{"健太", "ケンタ", "kenta"}, {"翔", "ショウ", "sho"}, {"大輔", "ダイスケ", "daisuke"}, {"直樹", "ナオキ", "naoki"},
		{"結衣", "ユイ", "yui"}, {"葵", "アオイ", "aoi"}, {"裕子", "ユウコ", "yuko"}, {"智子", "トモコ", "tomoko"},
		{"浩", "ヒロシ", "hiroshi"}, {"誠", "マコト", "makoto"}, {"遥", "ハルカ", "haruka"}, {"久美子", "クミコ", "kumiko"},
	}
	englishFamily = [][2]string{
		{"Smith", "smith"}, {"Jones", "jones"}, {"Taylor", "taylor"}, {"Brown", "brown"}, {"Williams", "williams"},
		{"Wilson", "wilson"}, {"Johnson", "johnson"}, {"Davies", "davies"}, {"Patel", "patel"}, {"Wright", "wright"},
		{"Walker", "walker"}, {"White", "white"}, {"O'Brien", "obrien"}, {"Evans", "evans"}, {"Clarke", "clarke"},
		{"Hughes", "hughes"}, {"Green", "green"}, {"Campbell", "campbell"}, {"Murphy", "murphy"}, {"Khan", "khan"},
	}
	englishGiven = [][2]string{
		{"Emma", "emma"}, {"Olivia", "olivia"}, {"Sarah", "sarah"}, {"Charlotte", "charlotte"}, {"Zoë", "zoe"},
		{"Laura", "laura"}, {"Hannah", "hannah"}, {"Priya", "priya"}, {"Siân", "sian"}, {"Alice", "alice"},
		{"James", "james"}, {"Oliver", "oliver"}, {"Thomas", "thomas"}, {"Daniel", "daniel"}, {"Imran", "imran"},
		{"George", "george"}, {"Harriet", "harriet"}, {"Niamh", "niamh"}, {"Matthew", "matthew"}, {"Rachel", "rachel"},
	}
)

package words

import (
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a server without a time zone database still tells British time
)

// A calendar names days and months. golang.org/x/text has no such names in Welsh.
type calendar struct {
	months, monthsShort [12]string // January first
	days, daysShort     [7]string  // Sunday first, as time.Weekday counts
	am, pm              string
	midday, midnight    string
}

var englishCalendar = calendar{
	months:      [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	monthsShort: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"},
	days:        [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	daysShort:   [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
	am:          "am", pm: "pm", midday: "midday", midnight: "midnight",
}

var welshCalendar = calendar{
	months:      [12]string{"Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin", "Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr"},
	monthsShort: [12]string{"Ion", "Chwef", "Maw", "Ebr", "Mai", "Meh", "Gorff", "Awst", "Medi", "Hyd", "Tach", "Rhag"},
	days:        [7]string{"dydd Sul", "dydd Llun", "dydd Mawrth", "dydd Mercher", "dydd Iau", "dydd Gwener", "dydd Sadwrn"},
	daysShort:   [7]string{"Sul", "Llun", "Maw", "Mer", "Iau", "Gwe", "Sad"},
	am:          "yb", pm: "yh", midday: "hanner dydd", midnight: "hanner nos",
}

// London is the time zone of every time copse writes out.
func London() *time.Location { return london() }

var london = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err) // time/tzdata is built in
	}
	return zone
})

// Date writes a day: "3 November 2026", "3 Tachwedd 2026".
func (w *Words) Date(t time.Time) string { return string(w.appendDate(nil, t.In(London()))) }

func (w *Words) appendDate(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	b = strconv.AppendInt(b, int64(day), 10)
	b = append(b, ' ')
	b = append(b, w.calendar.months[month-1]...)
	b = append(b, ' ')
	return strconv.AppendInt(b, int64(year), 10)
}

// Day writes a day near enough to need no year: "Tuesday 3 November", "dydd
// Mawrth 3 Tachwedd".
func (w *Words) Day(t time.Time) string {
	t = t.In(London())
	return w.calendar.days[t.Weekday()] + " " + strconv.Itoa(t.Day()) + " " + w.calendar.months[t.Month()-1]
}

// Weekday is the short name of the day of the week: "Thu", "Iau".
func (w *Words) Weekday(t time.Time) string { return w.calendar.daysShort[t.In(London()).Weekday()] }

// Month is the short name of the month: "Nov", "Tach".
func (w *Words) Month(t time.Time) string { return w.calendar.monthsShort[t.In(London()).Month()-1] }

// Clock writes a time of day to the minute: "10.14am", "2pm", "midday"; in Welsh
// "10.14yb", "2yh", "hanner dydd".
func (w *Words) Clock(t time.Time) string { return string(w.appendClock(nil, t.In(London()))) }

func (w *Words) appendClock(b []byte, t time.Time) []byte {
	hour, minute, _ := t.Clock()
	switch {
	case hour == 0 && minute == 0:
		return append(b, w.calendar.midnight...)
	case hour == 12 && minute == 0:
		return append(b, w.calendar.midday...)
	}
	b = strconv.AppendInt(b, int64((hour+11)%12+1), 10)
	if minute > 0 {
		b = append(b, '.', byte('0'+minute/10), byte('0'+minute%10))
	}
	if hour < 12 {
		return append(b, w.calendar.am...)
	}
	return append(b, w.calendar.pm...)
}

// DateTime writes a day and a time of day: "28 October 2026, 10.14am".
func (w *Words) DateTime(t time.Time) string {
	t = t.In(London())
	b := w.appendDate(make([]byte, 0, 48), t)
	return string(w.appendClock(append(b, ", "...), t))
}

// Ago says how long before now t was, as people do: "just now", "5 hours ago",
// "yesterday", "6 days ago". A time that has not come yet, which is a peer's clock
// running fast, is "just now".
func (w *Words) Ago(t, now time.Time) string {
	t, now = t.In(London()), now.In(London())
	passed := now.Sub(t)
	days := calendarDays(t, now)
	switch {
	case passed < time.Minute:
		return w.T("ago.now")
	case passed < time.Hour:
		return w.N("ago.minutes", int(passed/time.Minute))
	case days == 0:
		return w.N("ago.hours", int(passed/time.Hour))
	case days == 1:
		return w.T("ago.yesterday")
	case days < 14:
		return w.N("ago.days", days)
	case days < 61:
		return w.N("ago.weeks", days/7)
	case days < 365:
		return w.N("ago.months", days*12/365)
	}
	return w.N("ago.years", days/365)
}

// calendarDays counts the midnights from t to now, which is not 24 hours each: the
// clocks change.
func calendarDays(t, now time.Time) int {
	midnights := func(t time.Time) int64 {
		_, east := t.Zone()
		return (t.Unix() + int64(east)) / (24 * 60 * 60)
	}
	return int(midnights(now) - midnights(t))
}

// Number writes a whole number with commas between thousands, as both languages do.
func (w *Words) Number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// List joins names: "Harlow, Leeds and York". Welsh joins the last with "a", or
// "ac" before a vowel.
func (w *Words) List(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := items[len(items)-1]
	and := "and"
	if w.lang == "cy" {
		and = "a"
		if vowelFirst(last) {
			and = "ac"
		}
	}
	return strings.Join(items[:len(items)-1], ", ") + " " + and + " " + last
}

const vowels = "aeiouáâäéêëíîïóôöúûüŵŷ"

// vowelFirst says whether a name begins with a vowel in Welsh. Y is one before a
// consonant (Ynys Môn, not York). W is left as a consonant, which it is in names
// (Wrecsam, Wigan).
func vowelFirst(name string) bool {
	letters := []rune(strings.ToLower(name))
	switch {
	case len(letters) == 0:
		return false
	case letters[0] == 'y' && len(letters) > 1:
		return !strings.ContainsRune(vowels, letters[1])
	}
	return strings.ContainsRune(vowels, letters[0])
}

package words

import (
	"testing"
	"time"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTimesAreWrittenInBritishTime(t *testing.T) {
	for _, c := range []struct{ at, en, cy string }{
		{"2026-11-03T10:14:59Z", "3 November 2026, 10.14am", "3 Tachwedd 2026, 10.14yb"},
		{"2026-07-31T23:05:00Z", "1 August 2026, 12.05am", "1 Awst 2026, 12.05yb"}, // summer time
		{"2026-02-09T14:00:00Z", "9 February 2026, 2pm", "9 Chwefror 2026, 2yh"},
		{"2026-01-01T12:00:00Z", "1 January 2026, midday", "1 Ionawr 2026, hanner dydd"},
		{"2026-01-01T12:30:00Z", "1 January 2026, 12.30pm", "1 Ionawr 2026, 12.30yh"},
		{"2026-01-01T00:00:00Z", "1 January 2026, midnight", "1 Ionawr 2026, hanner nos"},
		{"2026-12-25T09:05:00+05:00", "25 December 2026, 4.05am", "25 Rhagfyr 2026, 4.05yb"},
	} {
		if got := In("en").DateTime(at(c.at)); got != c.en {
			t.Errorf("%s is %q, want %q", c.at, got, c.en)
		}
		if got := In("cy").DateTime(at(c.at)); got != c.cy {
			t.Errorf("%s is %q, want %q", c.at, got, c.cy)
		}
	}
}

func TestDaysAreNamed(t *testing.T) {
	day := at("2026-11-03T10:00:00Z")
	for lang, want := range map[string]string{"en": "Tuesday 3 November|Tue|Nov", "cy": "dydd Mawrth 3 Tachwedd|Maw|Tach"} {
		w := In(lang)
		if got := w.Day(day) + "|" + w.Weekday(day) + "|" + w.Month(day); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestHowLongAgoIsSaidAsPeopleSayIt(t *testing.T) {
	now := at("2026-11-03T11:00:00Z")
	for _, c := range []struct{ at, en, cy string }{
		{"2026-11-03T11:00:30Z", "just now", "ychydig eiliadau yn ôl"},
		{"2026-11-03T10:59:30Z", "just now", "ychydig eiliadau yn ôl"},
		{"2026-11-03T10:59:00Z", "1 minute ago", "1 funud yn ôl"},
		{"2026-11-03T10:15:00Z", "45 minutes ago", "45 munud yn ôl"},
		{"2026-11-03T06:00:00Z", "5 hours ago", "5 awr yn ôl"},
		{"2026-11-02T23:59:00Z", "yesterday", "ddoe"},
		{"2026-11-01T23:59:00Z", "2 days ago", "2 ddiwrnod yn ôl"},
		{"2026-10-28T11:00:00Z", "6 days ago", "6 diwrnod yn ôl"},
		{"2026-10-14T11:00:00Z", "2 weeks ago", "2 wythnos yn ôl"},
		{"2026-09-03T11:00:00Z", "2 months ago", "2 fis yn ôl"},
		{"2025-11-04T11:00:00Z", "11 months ago", "11 mis yn ôl"},
		{"2025-11-03T11:00:00Z", "1 year ago", "1 flwyddyn yn ôl"},
		{"2022-11-03T11:00:00Z", "4 years ago", "4 o flynyddoedd yn ôl"},
		{"0001-01-01T00:00:00Z", "2,027 years ago", "2,027 o flynyddoedd yn ôl"},
	} {
		if got := In("en").Ago(at(c.at), now); got != c.en {
			t.Errorf("%s was %q, want %q", c.at, got, c.en)
		}
		if got := In("cy").Ago(at(c.at), now); got != c.cy {
			t.Errorf("%s was %q, want %q", c.at, got, c.cy)
		}
	}
}

// Just after midnight it is not "yesterday" yet that something happened ten minutes
// ago.
func TestMinutesGoOverMidnight(t *testing.T) {
	if got := In("en").Ago(at("2026-11-02T23:55:00Z"), at("2026-11-03T00:05:00Z")); got != "10 minutes ago" {
		t.Errorf("got %q", got)
	}
}

func TestYesterdayEndsAtMidnightInBritain(t *testing.T) {
	if got := In("en").Ago(at("2026-07-01T22:00:00Z"), at("2026-07-01T23:30:00Z")); got != "yesterday" {
		t.Errorf("at half past midnight in summer, eleven at night was %q", got)
	}
}

package seed

import (
	"cmp"
	"slices"
	"time"
)

// month is how far back everything was said.
const month = 30 * 24 * time.Hour

// schedule gives every post its time, and returns them in that order. What a
// community talks about is spread over the month; answers come within some days,
// at the hours when people are at work.
func (f *filling) schedule() (all []*post) {
	start := f.options.Now.Add(-month)
	for _, c := range f.profile.Communities {
		step := month / time.Duration(len(c.Topic))
		for i, t := range c.Topic {
			topic := &post{Post: &t.Post, community: c}
			topic.at = f.before(f.working(start.Add(time.Duration(i)*step + f.upTo(step*3/4))))
			all = append(all, topic)
			thread := []*post{topic}
			for _, r := range t.Reply {
				last := thread[len(thread)-1].at
				reply := &post{Post: r, community: c, parent: thread[r.To], depth: thread[r.To].depth + 1}
				reply.at = f.working(last.Add(7*time.Minute + f.upTo(30*time.Hour)))
				if !reply.at.Before(f.options.Now) {
					reply.at = last.Add(f.upTo(f.options.Now.Sub(last)))
				}
				thread = append(thread, reply)
			}
			all = append(all, thread[1:]...)
		}
	}
	slices.SortStableFunc(all, func(a, b *post) int { return cmp.Compare(a.at.UnixMicro(), b.at.UnixMicro()) })
	return all
}

// upTo draws a time that is shorter than d.
func (f *filling) upTo(d time.Duration) time.Duration {
	return time.Duration(f.rand.Int64N(max(int64(d), 1)))
}

// working moves t on to when somebody is at work, in UTC: a weekday, from 8 to
// 18.
func (f *filling) working(t time.Time) time.Time {
	t = t.UTC()
	morning := time.Date(t.Year(), t.Month(), t.Day(), 8, 0, 0, 0, time.UTC)
	switch {
	case t.Hour() >= 18:
		t = morning.AddDate(0, 0, 1).Add(f.upTo(4 * time.Hour))
	case t.Hour() < 8:
		t = morning.Add(f.upTo(4 * time.Hour))
	}
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

// before moves what would be in the future back by days.
func (f *filling) before(t time.Time) time.Time {
	for !t.Before(f.options.Now.Add(-time.Hour)) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

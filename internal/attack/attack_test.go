package attack

import "testing"

// Whatever strangers and peers send, the answer is the right one and nothing comes of
// it, in both modes.
func TestAttacksDoNoHarm(t *testing.T) {
	for _, mode := range []string{"open", "allow-list"} {
		t.Run(mode, func(t *testing.T) {
			s := newSite(t, mode)
			for _, part := range []struct {
				name string
				run  func(*testing.T, *site)
			}{
				{"signatures", signatures},
				{"origin", origin},
				{"fetching", fetching},
				{"parsing", parsing},
				{"beside", beside},
				{"private", private},
				{"ending", ending},
			} {
				t.Run(part.name, func(t *testing.T) {
					s.t = t
					part.run(t, s)
				})
			}
		})
	}
}

package forum

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"copse/copse"
	"copse/internal/markup"
	"copse/internal/words"
	"copse/store"
	"copse/web"
)

// versionsOnPage is how many versions are compared: the rest are older than
// anybody looks.
const versionsOnPage = 20

// history shows what a post has said, the newest first, and what each version
// changed.
func (p pages) history(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	var h historyPage
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		o := sc.Post.Object
		if !o.Deleted.IsZero() {
			return copse.NotFound("there is nothing here")
		}
		was, err := tx.Revisions(o.ID)
		if err != nil {
			return err
		}
		h.Versions = versions(v, o, was)
		h.Back = address(o)
		if h.By, err = p.Person(v, tx, sc.Post.By); err != nil {
			return err
		}
		h.Frame, h.Copy, err = p.Inside(v, tx, r, sc.Standing, v.W.T("history.title"), section(sc))
		return err
	})
	if err != nil {
		return err
	}
	return p.Render(w, r, http.StatusOK, history(h))
}

// versions compares each version of o with the one before it. was are the earlier
// ones, the newest first.
func versions(v *web.Visit, o *copse.Object, was []store.Revision) []version {
	all := append([]store.Revision{{At: o.Edited, Title: o.Title, Source: o.Source, HTML: o.HTML}}, was...)
	all[len(all)-1].At = o.Published
	shown := make([]version, 0, min(len(all), versionsOnPage))
	for i, now := range all[:min(len(all), versionsOnPage)] {
		one := version{At: now.At, Label: v.W.T("history.version", "n", len(all)-i)}
		if i == len(all)-1 {
			one.Label = v.W.T("history.first")
			one.Title, one.Text = plain(now.Title), plain(said(now))
		} else {
			before := all[i+1]
			if now.Title != before.Title {
				one.Title = changes(before.Title, now.Title)
			}
			one.Text = changes(said(before), said(now))
		}
		shown = append(shown, one)
	}
	return shown
}

// said is a version's text as it was typed, or as near as can be known.
func said(r store.Revision) string {
	if r.Source != "" {
		return r.Source
	}
	return markup.Plain(r.HTML)
}

// plain is a text without changes; none of "".
func plain(text string) []change {
	if text == "" {
		return nil
	}
	return []change{{Text: text}}
}

// compared shows changes in a line of text. It is not a template, which would put
// spaces between them, and some changes are within a word.
func compared(w *words.Words, all []change) templ.Component {
	names := map[string]string{"ins": w.T("history.added"), "del": w.T("history.taken")}
	var b strings.Builder
	for _, c := range all {
		text := strings.ReplaceAll(templ.EscapeString(c.Text), "\n", "<br>")
		if name := names[c.Kind]; name != "" {
			text = "<" + c.Kind + `><span class="copse-hidden">` + templ.EscapeString(name) + " </span>" + text + "</" + c.Kind + ">"
		}
		b.WriteString(text)
	}
	return templ.Raw(b.String())
}

package page

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Form is a form as somebody filled it in and what is wrong with it. The zero Form
// is empty and right. A form that is shown again keeps every word, except
// passwords.
type Form struct {
	Values url.Values
	Errors []FieldError
}

// FieldError is one thing wrong with a form, as a sentence without a full stop:
// "Enter your question in one line".
type FieldError struct {
	Name string // of the field; "" if it is the form as a whole
	Text string
}

// Fail adds something wrong with the field called name. A full stop at the end is
// dropped: GOV.UK writes errors in forms without.
func (f *Form) Fail(name, text string) {
	f.Errors = append(f.Errors, FieldError{name, strings.TrimSuffix(text, ".")})
}

// Failed says whether anything is wrong.
func (f Form) Failed() bool { return len(f.Errors) > 0 }

// Value is what was typed in the field called name.
func (f Form) Value(name string) string { return f.Values.Get(name) }

// Has says whether value was chosen in the field called name.
func (f Form) Has(name, value string) bool { return slices.Contains(f.Values[name], value) }

// Error is what is wrong with the field called name, or "".
func (f Form) Error(name string) string {
	for _, e := range f.Errors {
		if e.Name == name {
			return e.Text
		}
	}
	return ""
}

// Field is one question of a form. Its id on the page is its Name.
type Field struct {
	Name         string
	Label        string
	Hint         string   // may be ""
	Optional     bool     // the label says so
	Type         string   // of an Input: "" is text
	Autocomplete string   // WCAG 1.3.5: what a browser may fill in, such as "email"
	Short        bool     // an answer of a few words
	Rows         int      // of a Textarea; 0 is 6
	Row          bool     // Radios or Checkboxes side by side
	Options      []Option // of a Select, Radios or Checkboxes
	More         templ.Attributes
}

// Option is one answer to choose.
type Option struct {
	Value string
	Label string
	Hint  string // may be ""
}

// describedBy names the elements that explain a field, for aria-describedby.
func describedBy(form Form, field Field) string {
	ids := ""
	if field.Hint != "" {
		ids = field.Name + "-hint"
	}
	if form.Error(field.Name) != "" {
		if ids != "" {
			ids += " "
		}
		ids += field.Name + "-error"
	}
	return ids
}

// control is the attributes that every control of a form shares.
func control(form Form, field Field) templ.Attributes {
	a := templ.Attributes{"id": field.Name, "name": field.Name}
	if by := describedBy(form, field); by != "" {
		a["aria-describedby"] = by
	}
	if form.Error(field.Name) != "" {
		a["aria-invalid"] = "true"
	}
	if field.Autocomplete != "" {
		a["autocomplete"] = field.Autocomplete
	}
	for name, value := range field.More {
		a[name] = value
	}
	return a
}

func (f Field) inputType() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) rows() int {
	if f.Rows == 0 {
		return 6
	}
	return f.Rows
}

// optionID is the id of the i-th answer. The first has the field's own name, so that
// the error summary's link lands on it.
func optionID(name string, i int) string {
	if i == 0 {
		return name
	}
	return name + "-" + strconv.Itoa(i+1)
}

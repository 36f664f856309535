package ap

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowebpki/jcs"
)

// The first two are from RFC 8785, 3.2.2 and 3.2.3.
func TestCanonicalIsThatOfTheRFC(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
			"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`},
		{`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
			"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"},
		{` { } `, `{}`},
		{`{"a":[1, true,-0.5e-9 ]}`, `{"a":[1,true,-5e-10]}`},
		{`{"b":{"d":[],"c":[ {} , [1] ]},"a":"\b\t\n\f\r\u000b\u001f\u007f"}`, "{\"a\":\"\\b\\t\\n\\f\\r\\u000b\\u001f\x7f\",\"b\":{\"c\":[{},[1]],\"d\":[]}}"},
	} {
		if err := Check([]byte(c.doc)); err != nil {
			t.Fatal(err)
		}
		if got := string(Canonical([]byte(c.doc))); got != c.want {
			t.Errorf("%s\nis %s\nwant %s", c.doc, got, c.want)
		}
	}
}

// FuzzCanonical compares with a library that does the same.
func FuzzCanonical(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %d samples", err, len(files))
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"\u000b\ud83d\ude00\ufb33":[-1.5e-7,1e21,9007199254740993,{"b":1,"a\\":"\/\u00e9"}],"":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Check(b) != nil {
			return
		}
		before := bytes.Clone(b)
		got := Canonical(b)
		want, err := jcs.Transform(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s\nis %s\nwant %s", b, got, want)
		}
		if !bytes.Equal(before, b) {
			t.Error("it was written to")
		}
	})
}

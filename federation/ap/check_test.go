package ap

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckRefusesWhatTwoProgramsCouldReadInTwoWays(t *testing.T) {
	for name, doc := range map[string]string{
		"same key twice":             `{"actor":"a","actor":"b"}`,
		"same key twice, nested":     `{"object":{"id":"a","type":"x","id":"b"}}`,
		"same key twice, in a list":  `{"tag":[{"id":"a"},{"id":"a","id":"b"}]}`,
		"same key, one escaped":      `{"actor":"a","\u0061ctor":"b"}`,
		"same key, both escaped":     `{"\u0061ctor":"a","a\u0063tor":"b"}`,
		"keys that differ in case":   `{"actor":"a","Actor":"b"}`,
		"case, one escaped":          `{"actor":"a","\u0041ctor":"b"}`,
		"long s":                     `{"summary":"a","ſummary":"b"}`,
		"long s, escaped":            `{"summary":"a","\u017fummary":"b"}`,
		"Kelvin sign":                `{"markdown":"a","mar\u212adown":"b"}`,
		"case outside ASCII":         `{"ä":1,"Ä":1}`,
		"three sigmas":               `{"ς":1,"Σ":1}`,
		"case beside @context":       `{"@context":"x","@Context":"y"}`,
		"twice in @context":          `{"@context":{"a":"b","a":"c"}}`,
		"case after @context":        `{"@context":{"A":"x","a":"y"},"object":{"ID":"x","id":"y"}}`,
		"a graph":                    `{"id":"a","@graph":[{"id":"b"}]}`,
		"a graph, escaped":           `{"id":"a","\u0040graph":[]}`,
		"something the other way":    `{"object":{"id":"a","@reverse":{"actor":"b"}}}`,
		"something beside":           `{"tag":[{"@included":[]}]}`,
		"trailing object":            `{}{}`,
		"trailing word":              `{} true`,
		"trailing NUL":               "{}\x00",
		"byte order mark":            "\ufeff{}",
		"UTF-16":                     "{\x00}\x00",
		"not UTF-8":                  "{\"a\":\"\xff\"}",
		"overlong UTF-8":             "{\"a\":\"\xc0\xaf\"}",
		"surrogate in UTF-8":         "{\"a\":\"\xed\xa0\x80\"}",
		"NUL":                        "{\"a\":\"\x00\"}",
		"NUL, escaped":               `{"a":"\u0000"}`,
		"NUL in a key":               `{"actor\u0000":"a"}`,
		"high surrogate alone":       `{"a":"\ud800"}`,
		"high surrogate, then text":  `{"a":"\ud800x\udc00"}`,
		"high surrogate twice":       `{"a":"\ud800\ud800"}`,
		"low surrogate alone":        `{"a":"\udc00"}`,
		"surrogate in a key":         `{"\ud800":1}`,
		"float out of range":         `{"a":1e400}`,
		"integer out of range":       `{"a":9223372036854775808}`,
		"integer out of range below": `{"a":-9223372036854775809}`,
		"long integer":               `{"a":` + strings.Repeat("9", 400) + `}`,
		"minus nothing":              `{"a":-0}`,
	} {
		if err := Check([]byte(doc)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCheckRefusesWhatIsNoObject(t *testing.T) {
	for _, doc := range []string{
		``, ` `, `[]`, `"x"`, `1`, `null`, `true`, `{`, `}`, `{]`, `[}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`,
		`{"a":1 "b":2}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":[1,]}`, `{"a":[,]}`, `{"a":[1 2]}`, `{"a":[1}`,
		`{"a":01}`, `{"a":-}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1e}`, `{"a":1e+}`, `{"a":0x1}`, `{"a":1_0}`,
		`{"a":NaN}`, `{"a":Infinity}`, `{"a":tru}`, `{"a":nul`, `{"a":True}`, `{"a":truex}`,
		`{"a":"`, `{"a":"\`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\u`, "{\"a\":\"\n\"}", `{"a`,
		`{"a":1}//`, `{/**/}`, "{\u00a0}", `{"a":1}}`,
	} {
		if err := Check([]byte(doc)); err == nil {
			t.Errorf("%s: accepted", doc)
		}
	}
}

func TestCheckAcceptsWhatIsUnusualButClear(t *testing.T) {
	for name, doc := range map[string]string{
		"empty":                    `{}`,
		"white space":              " \t\r\n{ \"a\" : [ 1 , { } , [ ] ] } \n",
		"numbers":                  `{"a":[0,-1,1.5,-0.0,1e5,1E+5,1e-400,9223372036854775807,-9223372036854775808]}`,
		"every escape":             `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83c\udf33\uFFFF"}`,
		"words":                    `{"a":[true,false,null]}`,
		"same key elsewhere":       `{"id":1,"object":{"id":1,"tag":[{"id":1},{"id":1}]},"target":{"id":1}}`,
		"case as Ghost has it":     `{"@context":["x",{"QuoteAuthorization":"a","quoteAuthorization":{"@id":"a"}}]}`,
		"backwards in @context":    `{"@context":{"b":{"@reverse":"a"}},"b":"c"}`,
		"case in a scoped context": `{"@context":{"Image":{"@context":{"x":"1","X":"2"}},"image":"y"}}`,
		"empty key":                `{"":1}`,
		"greatest depth":           nested(maxDepth),
		"most keys":                withKeys(maxKeys),
		"longest list":             `{"a":[` + strings.Repeat("1,", maxElements-1) + `1]}`,
		"longest document":         padded(MaxSize),
	} {
		if err := Check([]byte(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckHasLimits(t *testing.T) {
	for name, doc := range map[string]string{
		"depth": nested(maxDepth + 1),
		"keys":  withKeys(maxKeys + 1),
		"list":  `{"a":[` + strings.Repeat("1,", maxElements) + `1]}`,
		"size":  padded(MaxSize + 1),
	} {
		if err := Check([]byte(doc)); err == nil {
			t.Errorf("%s: one more than the limit was accepted", name)
		}
	}
}

// nested returns a document with objects and lists n deep, the outermost counted.
func nested(n int) string {
	doc := "1"
	for i := range n {
		if i%2 == n%2 { // so that the outermost is an object
			doc = "[" + doc + "]"
		} else {
			doc = `{"a":` + doc + "}"
		}
	}
	return doc
}

func withKeys(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"k%d":1`, i)
	}
	return b.String() + "}"
}

func padded(size int) string {
	return `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`
}

// The worst that a peer can make of the search for keys that are there twice.
func BenchmarkCheckManyKeys(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"a":[`)
	for object := withKeys(maxKeys); doc.Len()+len(object) < MaxSize-10; {
		doc.WriteString(object + ",")
	}
	doc.WriteString("1]}")
	for b.Loop() {
		if err := Check([]byte(doc.String())); err != nil {
			b.Fatal(err)
		}
	}
}

package markup

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlainBreaksLinesWhereBlocksWere(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		" \n<p> </p> ":                      "",
		"a <b>b</b>c\n d":                   "a bc d",
		"<p>One</p><p>Two</p>":              "One\n\nTwo",
		"<p>One<br>Two<br/><br>Three</p>":   "One\nTwo\n\nThree",
		"<h3>H</h3>text<div>div</div>after": "H\n\ntext\ndiv\nafter",
		"<ul><li>a</li><li>b<ul><li>c</ul></ul>d":                                              "a\nb\n\nc\n\nd",
		"<table><tr><th>Site</th><th>Trees</th></tr><tr><td>York</td><td>12</td></tr></table>": "Site\tTrees\nYork\t12",
		"<pre>a\n  b <i>c</i>\n\n\nd</pre>e":                                                   "a\n  b c\n\nd\n\ne",
		"a &lt;b&gt; &amp;amp; &#x26;":                                                         "a <b> &amp; &",
		"a\u00a0&nbsp;b":                                                                       "a b",
		"in\u200bvis\u00adi\u2060b\ufeffle":                                                    "invisible",
		"\u202eabc":                                                                            "abc",
		"ŵyl y tŷ":                                                                             "ŵyl y tŷ",
		`<a href="https://a.example/x"><span class="invisible">https://</span><span class="ellipsis">a.example/</span><span class="invisible">x</span></a>`: "https://a.example/x",
		"<script>x</script><style>y</style><svg><svg></svg><text>z</text></svg><title>t</title>a<script>":                                                   "a",
		"a<br></p></div>": "a",
		"a\xffb":          "a\ufffdb",
	} {
		if got := Plain(in); got != want {
			t.Errorf("%s\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestExcerptEndsWithAWholeWord(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"<p>One two</p><p>three</p>", 13, "One two three"},
		{"<p>One two</p><p>three</p>", 12, "One two…"},
		{"<p>One two</p><p>three</p>", 9, "One two…"},
		{"<p>One two</p><p>three</p>", 8, "One two…"},
		{"<p>One two</p><p>three</p>", 7, "One…"},
		{"a bbbbbbbbbbbbbbbbbbbb", 11, "a bbbbbbbb…"},
		{"ŵŷŵŷŵŷŵŷ", 4, "ŵŷŵ…"},
		{"w\u0302y\u0302w\u0302y\u0302", 6, "w\u0302y\u0302…"},
		{"👩\u200d🌾👩\u200d🌾", 5, "👩\u200d🌾…"},
		{"x🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", 5, "x…"},
		{"森林再生計画について", 6, "森林再生計…"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
		{"abc", -1, ""},
		{"", 5, ""},
	} {
		got := Excerpt(c.in, c.n)
		if got != c.want {
			t.Errorf("first %d of %q: %q, want %q", c.n, c.in, got, c.want)
		}
		if utf8.RuneCountInString(got) > max(c.n, 0) {
			t.Errorf("first %d of %q: %q is longer", c.n, c.in, got)
		}
	}
}

func TestTitleIsTheFirstLineWithoutItsAddress(t *testing.T) {
	const mention = `<span class="h-card"><a href="https://york.example/c/trees" class="u-url mention">@<span>trees</span></a></span>`
	for in, want := range map[string]string{
		"<p>" + mention + " Where may we plant oaks?<br>We have 40.</p>": "Where may we plant oaks?",
		"<p>Where may we plant oaks? " + mention + "</p><p>More</p>":     "Where may we plant oaks?",
		"<p>" + mention + "</p><p>Oaks</p>":                              "Oaks",
		"<p>@trees@york.example, !trees@york.example: Oaks</p>":          "Oaks",
		"<p>Thanks to " + mention + " for the oaks</p>":                  "Thanks to @trees for the oaks",
		"<p>!important: oaks @ noon</p>":                                 "!important: oaks @ noon",
		"<p>@cŵn@tŷ.example Coed</p>":                                    "Coed",
		"<p>" + mention + "</p>":                                         "",
		"":                                                               "",
		"<h3>Oaks</h3><p>text</p>":                                       "Oaks",
		`<a href="https://a.example/oak.png">image</a>`:                  "image",
	} {
		if got := Title(in); got != want {
			t.Errorf("%s\n got %q\nwant %q", in, got, want)
		}
	}
	long := Title("<p>" + strings.Repeat("planhigion ", 50) + "</p>")
	if n := utf8.RuneCountInString(long); n > 200 || n < 190 || !strings.HasSuffix(long, "planhigion…") {
		t.Errorf("%d runes: %q", n, long)
	}
}

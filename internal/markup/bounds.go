package markup

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// goldmark takes time in proportion to the square of some things that nobody
// writes but a vandal: 256 KB of > or of [a]( keeps it busy for the better part
// of a minute, and 10 KB of table become 25 MB. Past these bounds, marks are
// text.
const (
	maxQuotes     = 20       // quotes and lists within each other
	maxRead       = 32 << 20 // bytes read in search of the pairs of marks, in all
	maxReferences = 500      // lines of a paragraph that may define links
)

// shallow opens a quote or a list where it is not too deep.
type shallow struct{ parser.BlockParser }

func (s shallow) Open(parent ast.Node, r text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		if k := n.Kind(); k == ast.KindBlockquote || k == ast.KindList {
			depth++
		}
	}
	if depth >= maxQuotes {
		return nil, parser.NoChildren
	}
	return s.BlockParser.Open(parent, r, pc)
}

// counted parses marks that pair up, while the budget lasts: to find whether a
// mark has its pair goldmark may read the whole paragraph, and read it again
// for the next.
type counted struct{ parser.InlineParser }

// budgetKey is where the context of a parse keeps its budget.
var budgetKey = parser.NewContextKey()

type budget struct {
	paragraph ast.Node // the one that size is of
	size      int
	left      int
}

func (c counted) Parse(paragraph ast.Node, r text.Reader, pc parser.Context) ast.Node {
	b, ok := pc.Get(budgetKey).(*budget)
	if !ok {
		b = &budget{left: maxRead}
		pc.Set(budgetKey, b)
	}
	if b.paragraph != paragraph {
		b.paragraph, b.size = paragraph, 0
		for _, line := range paragraph.Lines().Sliced(0, paragraph.Lines().Len()) {
			b.size += line.Len()
		}
	}
	if b.left -= b.size; b.left < 0 {
		return nil
	}
	return c.InlineParser.Parse(paragraph, r, pc)
}

// CloseBlock lets the parser inside know that the paragraph has ended.
func (c counted) CloseBlock(paragraph ast.Node, r text.Reader, pc parser.Context) {
	if inner, ok := c.InlineParser.(parser.CloseBlocker); ok {
		inner.CloseBlock(paragraph, r, pc)
	}
}

// brief looks for definitions of links in paragraphs that are not too long.
type brief struct{ parser.ParagraphTransformer }

func (b brief) Transform(p *ast.Paragraph, r text.Reader, pc parser.Context) {
	if p.Lines().Len() <= maxReferences {
		b.ParagraphTransformer.Transform(p, r, pc)
	}
}

// full looks for tables that are not mostly padding: a row is given the cells
// it lacks, so a wide heading above many lines is a square of its size. Where
// each cell has its bar there are more bytes than cells.
type full struct{ parser.ParagraphTransformer }

func (f full) Transform(p *ast.Paragraph, r text.Reader, pc parser.Context) {
	size, columns := 0, 0
	for _, line := range p.Lines().Sliced(0, p.Lines().Len()) {
		size += line.Len()
		columns = max(columns, bytes.Count(line.Value(r.Source()), []byte("|")))
	}
	if columns*p.Lines().Len() <= size {
		f.ParagraphTransformer.Transform(p, r, pc)
	}
}

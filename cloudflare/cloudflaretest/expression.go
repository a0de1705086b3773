package cloudflaretest

import (
	"net/netip"
	"regexp"
)

// matchesExpression reports whether a custom rule's expression holds for an address. It knows ip.src, compared with
// eq, ne and in, sets and lists, true and false, and what joins them. An expression with anything else, or that is
// none, holds for nobody.
// https://developers.cloudflare.com/ruleset-engine/rules-language/expressions/
func (c *Cloudflare) matchesExpression(account, expression string, addr netip.Addr) bool {
	words, known := c.words[expression]
	if !known {
		words = expressionWord.FindAllString(expression, -1)
		c.words[expression] = words
	}
	p := &expressionReader{words: words, addr: addr, holds: func(name string) bool {
		for _, l := range c.lists {
			if l.account == account && l.name == name {
				return l.holds(addr)
			}
		}
		return false
	}}
	holds := p.either()
	return holds && !p.failed && len(p.words) == 0
}

var expressionWord = regexp.MustCompile(`[(){}]|!=?|==|&&|\|\||"[^"]*"|[^\s(){}!=&|"]+|\S`)

// expressionReader reads an expression from the left and says whether it holds.
type expressionReader struct {
	words  []string
	failed bool
	addr   netip.Addr
	holds  func(list string) bool
}

// next takes a word; empty: there is none.
func (p *expressionReader) next() string {
	if len(p.words) == 0 {
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

// take takes the next word if it is one of those.
func (p *expressionReader) take(words ...string) bool {
	for _, word := range words {
		if len(p.words) > 0 && p.words[0] == word {
			p.words = p.words[1:]
			return true
		}
	}
	return false
}

// fail gives up. The words go, so that everything that reads on comes to its end.
func (p *expressionReader) fail() bool {
	p.failed, p.words = true, nil
	return false
}

func (p *expressionReader) either() bool {
	holds := p.both()
	for p.take("or", "||") {
		right := p.both()
		holds = holds || right
	}
	return holds
}

func (p *expressionReader) both() bool {
	holds := p.term()
	for p.take("and", "&&") {
		right := p.term()
		holds = holds && right
	}
	return holds
}

func (p *expressionReader) term() bool {
	switch word := p.next(); word {
	case "not", "!":
		return !p.term()
	case "(":
		holds := p.either()
		if !p.take(")") {
			return p.fail()
		}
		return holds
	case "true", "false":
		return word == "true"
	case "ip.src":
		return p.comparison()
	}
	return p.fail()
}

func (p *expressionReader) comparison() bool {
	switch p.next() {
	case "eq", "==":
		return p.covers(p.next())
	case "ne", "!=":
		return !p.covers(p.next())
	case "in":
		word := p.next()
		if word == "{" {
			return p.set()
		}
		if listReference.FindString(word) != word || word == "" {
			return p.fail()
		}
		return p.holds(word[1:])
	}
	return p.fail()
}

// set reads addresses and networks up to the closing brace.
func (p *expressionReader) set() bool {
	in := false
	for !p.take("}") {
		if len(p.words) == 0 {
			return p.fail()
		}
		covers := p.covers(p.next())
		in = in || covers
	}
	return in
}

// covers reports whether a word is the visitor's address or a network around it.
func (p *expressionReader) covers(word string) bool {
	if addr, err := netip.ParseAddr(word); err == nil {
		return addr == p.addr
	}
	network, err := netip.ParsePrefix(word)
	if err != nil {
		return p.fail()
	}
	return network.Contains(p.addr)
}

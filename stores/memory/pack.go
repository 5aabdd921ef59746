package memstore

import (
	"encoding/binary"
	"sync/atomic"
	"time"
	"unique"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/store"
)

// common is what many grants have in common. All that do hold one copy of it.
type common struct {
	client, keyID, scopes, resources string
	reason                           store.Reason
}

// commons makes the handles of [common]. It remembers the last one: grants come in runs, and a look into the table of all
// handles costs more than to compare.
type commons struct {
	last atomic.Pointer[unique.Handle[common]]
}

func (m *commons) of(g *store.Grant) unique.Handle[common] {
	c := common{g.ClientID, g.KeyID, string(g.Details.Scopes), g.Details.Resources, g.Reason}
	if last := m.last.Load(); last != nil && last.Value() == c {
		return *last
	}
	h := unique.Make(c)
	m.last.Store(&h)
	return h
}

// pack writes the rest of what never changes into one string: a third of the memory of the fields, and
// nothing that they were cut from (a request's body, say) is held with them. What is compared comes first.
func pack(g *store.Grant) string {
	d := &g.Details
	texts := [...]string{
		g.ID, g.Subject, g.SessionID,
		d.Rich, d.Confirmed.JKT, d.Confirmed.X5T, d.Actor, d.ACR, d.AMR, d.Claims,
		d.RedirectURI, d.Challenge, d.Nonce, d.Sealed, d.Extra,
	}
	var buf [512]byte // most fit, so that nothing is allocated but the string
	b := buf[:2]
	var has uint16
	for i, s := range texts {
		if s != "" {
			has |= 1 << i
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	binary.LittleEndian.PutUint16(b, has)
	var flags byte
	if d.Offline {
		flags |= 1
	}
	if d.Confirmed.Other {
		flags |= 2
	}
	if !d.CodeEnds.IsZero() { // of few grants
		flags |= 4
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, mandate.Milli(d.Ends))
	b = binary.AppendVarint(b, mandate.Milli(d.AuthTime))
	if flags&4 != 0 {
		b = binary.AppendVarint(b, mandate.Milli(d.CodeEnds))
	}
	return string(b) // of the exact size
}

// unpack writes packed into g. The texts are parts of packed: nothing is allocated.
func unpack(packed string, g *store.Grant) {
	has, p, d := present(packed), unpacker(packed[2:]), &g.Details
	for i, s := range [...]*string{
		&g.ID, &g.Subject, &g.SessionID,
		&d.Rich, &d.Confirmed.JKT, &d.Confirmed.X5T, &d.Actor, &d.ACR, &d.AMR, &d.Claims,
		&d.RedirectURI, &d.Challenge, &d.Nonce, &d.Sealed, &d.Extra,
	} {
		if has&(1<<i) != 0 {
			*s = p.text()
		}
	}
	flags := p[0]
	p = p[1:]
	d.Offline, d.Confirmed.Other = flags&1 != 0, flags&2 != 0
	d.Ends, d.AuthTime = p.time(), p.time()
	if flags&4 != 0 {
		d.CodeEnds = p.time()
	}
}

// present has a bit for each text that is not empty.
func present(packed string) uint16 { return uint16(packed[0]) | uint16(packed[1])<<8 }

type unpacker string

func (p *unpacker) uvarint() (u uint64) {
	for i := 0; ; i++ {
		c := (*p)[i]
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			*p = (*p)[i+1:]
			return u
		}
	}
}

func (p *unpacker) text() string {
	n := p.uvarint()
	s := (*p)[:n]
	*p = (*p)[n:]
	return string(s)
}

func (p *unpacker) time() time.Time {
	u := p.uvarint()
	return mandate.FromMilli(int64(u>>1) ^ -int64(u&1))
}

// packedText returns the text at place i of packed.
func packedText(packed string, i int) string {
	has, p := present(packed), unpacker(packed[2:])
	if has&(1<<i) == 0 {
		return ""
	}
	for j := range i {
		if has&(1<<j) != 0 {
			p.text()
		}
	}
	return p.text()
}

package crowdsec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// sampleSize is how many decisions are remembered from read to read. Even when half of all decisions are deleted, it is all but certain
// that one of this many is left.
const sampleSize = 32

// sample holds the decisions of one read whose numbers have the least hashes. It depends on nothing but the numbers, so it changes as
// little as they do.
type sample []mark

// mark is a decision by what never changes about it.
type mark struct {
	ID    int64  `json:"id"`
	Value string `json:"value"`

	hash uint64
}

func (s *sample) add(one *decision) {
	if one.ID <= 0 {
		return
	}
	m := mark{ID: one.ID, Value: one.Value, hash: hashOf(one.ID)}
	i, _ := slices.BinarySearchFunc(*s, m, func(a, b mark) int { return cmp.Compare(a.hash, b.hash) })
	if i == sampleSize {
		return
	}
	*s = slices.Insert(*s, i, m)
	*s = (*s)[:min(len(*s), sampleSize)]
}

// hashOf spreads numbers that follow each other over all of uint64: the last step of SplitMix64, https://prng.di.unimi.it/splitmix64.c
func hashOf(id int64) uint64 {
	z := uint64(id)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// storeMemory is what a read leaves for the next one.
type storeMemory struct {
	Store string `json:"store"` // of the first read of this store: when it was made, and a decision
	Seen  []mark `json:"seen"`
}

// compare tells whether the store is the one that memory is of. LAPI numbers decisions in the order in which they are made, so a new
// store would give the same number to the same address by a rare accident only.
func (s sample) compare(memory json.RawMessage, now time.Time) (identity string, next json.RawMessage) {
	var last storeMemory
	if json.Unmarshal(memory, &last) != nil {
		last = storeMemory{} // of another version, or damaged
	}
	if len(s) == 0 {
		return "", nil
	}
	store := fmt.Sprintf("%s %d %s", now.UTC().Format(time.RFC3339), s[0].ID, s[0].Value)
	for _, m := range last.Seen {
		if last.Store != "" && slices.ContainsFunc(s, func(n mark) bool { return n.ID == m.ID && n.Value == m.Value }) {
			identity, store = last.Store, last.Store
			break
		}
	}
	next, err := json.Marshal(storeMemory{Store: store, Seen: s})
	if err != nil { // cannot be
		return "", nil
	}
	return identity, next
}

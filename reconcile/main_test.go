package reconcile

import (
	"flag"
	"testing"
)

// TestMain makes the property tests draw the same cases each time. To look further:
//
//	go test ./reconcile -rapid.checks=100000 -rapid.seed=$RANDOM
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.seed": "1", "rapid.nofailfile": "true"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	m.Run()
}

package cloudflare

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

// TestSecondAttemptOnAChangedList: what refused a write is most often an operation of somebody else's. When the list is no longer as
// it was read, the write is not sent again, because it may hit what they put there: the error says that the list has to be read
// again, and after that there may be writes.
func TestSecondAttemptOnAChangedList(t *testing.T) {
	post := reconcile.Post{Prefix: netip.MustParsePrefix("198.51.100.1/32")}
	writes := map[string]func(t *testing.T, e *edge, have []reconcile.Item) error{
		http.MethodPost: func(t *testing.T, e *edge, _ []reconcile.Item) error {
			_, err := e.list.Add(t.Context(), []reconcile.Post{post})
			return err
		},
		http.MethodDelete: func(t *testing.T, e *edge, have []reconcile.Item) error {
			_, err := e.list.Remove(t.Context(), have[:1])
			return err
		},
		http.MethodPut: func(t *testing.T, e *edge, _ []reconcile.Item) error {
			return e.list.Replace(t.Context(), []reconcile.Post{post})
		},
	}
	changes := map[string]func(e *edge) error{
		"nothing":        func(*edge) error { return nil },
		"an item more":   func(e *edge) error { _, err := e.SetItem(e.listID, "203.0.113.1", "by hand"); return err },
		"an item less":   func(e *edge) error { e.DeleteItem(e.listID, "198.18.0.2"); return nil },
		"a comment":      func(e *edge) error { _, err := e.SetItem(e.listID, "198.18.0.1", "by hand"); return err },
		"not to be read": func(e *edge) error { e.fault("GET", items, fake.HTML(http.StatusForbidden)); return nil },
	}
	for method, write := range writes {
		for what, change := range changes {
			t.Run(method+", "+what, func(t *testing.T) {
				inEdge(t, func(t *testing.T, e *edge) {
					e.fill(t, 3)
					have, _, err := e.list.Items(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					e.faultAt(method, items, 1, 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
						if err := change(e); err != nil {
							t.Error(err)
						}
						fake.TooManyRequests(10040, "20")(w, r, next)
					})
					err = write(t, e, have)
					var stale reconcile.Stale
					isStale := errors.As(err, &stale) && stale.Stale()
					switch what {
					case "nothing":
						if err != nil || e.asked(method) != 2 {
							t.Errorf("%d writes: %v", e.asked(method), err)
						}
					case "not to be read":
						if isStale || !IsRefused(err) || e.asked(method) != 1 {
							t.Errorf("%d writes: %v", e.asked(method), err)
						}
					default:
						if !isStale || IsRefused(err) || e.asked(method) != 1 {
							t.Errorf("%d writes: %v", e.asked(method), err)
						}
						have, _, err := e.list.Items(t.Context())
						if err == nil {
							err = write(t, e, have)
						}
						if err != nil {
							t.Errorf("after another look: %v", err)
						}
					}
				})
			})
		}
	}
}

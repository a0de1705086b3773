package cloudflare

import (
	"errors"
	"strings"
	"testing"
	"time"

	fake "edgeban/cloudflare/cloudflaretest"
	"edgeban/reconcile"
)

func TestSurvey(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fill(t, 3)
		e.SetReferences(e.listID, 2)
		for name, n := range map[string]int{"other": 40, "more": 2} {
			e.SetNumItems(e.AddList(testAccount, name, "ip"), n)
		}
		e.SetNumItems(e.AddList(testAccount, "hosts", "hostname"), 100)
		e.SetNumItems(e.AddList(testAccount, "moved", "redirect"), 5000)
		e.fault("GET", lists, fake.WrongDate(time.Hour))
		want := reconcile.Survey{Items: 3, Elsewhere: 142, References: 2, Clock: time.Now().Add(time.Hour).UTC()}
		for _, ref := range []string{"edgeban", e.listID, strings.ToUpper(e.listID)} {
			list := NewList(e.client, ref, ListOptions{})
			got, err := list.Survey(t.Context())
			if err != nil || got != want {
				t.Errorf("%s: %+v, %v, want %+v", ref, got, err, want)
			}
			if list.Name() != "list "+ref {
				t.Error(list.Name())
			}
		}
	})
}

func TestSurveyOfAnotherList(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.AddList(testAccount, "hosts", "hostname")
		e.AddList(testAccount, "zebra", "ip")
		_, err := NewList(e.client, "hosts", ListOptions{}).Survey(t.Context())
		var kind *ListKindError
		if !errors.As(err, &kind) || masked(err) != `find list hosts: not an IP list: its kind is "hostname"` || hint(err) == "" {
			t.Error(err)
		}
		_, err = NewList(e.client, "edgebans", ListOptions{}).Survey(t.Context())
		var missing *ListNotFoundError
		if !errors.As(err, &missing) || masked(err) != "find list edgebans: the account has no such list" ||
			!strings.HasPrefix(hint(err), "The account's IP lists: edgeban, zebra. To create one: edgeban setup; or in the dashboard") {
			t.Error(err, hint(err))
		}
	})
}

// TestListsDecoding takes what the schema allows: numbers with a fraction of nothing, members missing or unknown.
func TestListsDecoding(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fault("GET", lists, body(200, `{"success":true,"errors":null,"messages":null,"new":{},"result_info":null,"result":[
			{"id":"`+e.listID+`","name":"edgeban","kind":"ip","num_items":3.0,"num_referencing_filters":1e0,"description":null,"x":[1]},
			{"id":"b","name":"n\u001b[1m","kind":"asn","num_items":7e2}]}`))
		got, clock, err := e.client.Lists(t.Context())
		if err != nil || len(got) != 2 || got[0] != (List{e.listID, "edgeban", "ip", 3, 1}) || got[1] != (List{"b", "n [1m", "asn", 700, 0}) {
			t.Errorf("%+v %v", got, err)
		}
		if !clock.Equal(time.Now()) {
			t.Error(clock)
		}
	})
	for text, want := range map[string]string{
		`{"id":"../x","name":"n","num_items":1}`: `read lists: list n: id "../x" is not an id`,
		`{"id":"x","name":"n","num_items":-1}`:   "read lists: list n: no number of items",
		`{"id":"x","name":"n","num_items":1e40}`: "read lists: list n: no number of items",
	} {
		inEdge(t, func(t *testing.T, e *edge) {
			e.fault("GET", lists, body(200, `{"success":true,"result":[`+text+`]}`))
			if _, _, err := e.client.Lists(t.Context()); masked(err) != want {
				t.Error(err)
			}
		})
	}
}

// TestReadOnly writes nothing through a read-only target; the twin does.
func TestReadOnly(t *testing.T) {
	inEdge(t, func(t *testing.T, e *edge) {
		e.fill(t, 2)
		write := func(target reconcile.Target) error {
			have, _, err := target.Items(t.Context())
			if err != nil {
				return err
			}
			_, adding := target.Add(t.Context(), posts(3))
			_, removing := target.Remove(t.Context(), have[:1])
			return errors.Join(adding, removing)
		}
		if err := write(reconcile.ReadOnly(e.list)); !errors.Is(err, reconcile.ErrReadOnly) {
			t.Error(err)
		}
		if e.asked("POST")+e.asked("DELETE") != 0 || len(e.Items(e.listID)) != 2 {
			t.Error(e.Requests())
		}
		if err := write(e.list); err != nil {
			t.Error(err)
		}
		if e.asked("POST") != 1 || e.asked("DELETE") != 1 || len(e.Items(e.listID)) != 2 {
			t.Error(e.Requests())
		}
	})
}

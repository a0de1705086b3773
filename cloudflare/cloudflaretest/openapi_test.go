package cloudflaretest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"edgeban/cloudflare/cloudflaretest"
)

// schema is a document of https://github.com/cloudflare/api-schemas that traffic is held against.
type schema struct{ router routers.Router }

func loadSchema(t *testing.T, file string) schema {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: cloudflaretest.Prefix}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return schema{router}
}

// checked is a transport that holds each request and each 2xx answer against the schema. Refusals follow no
// schema, and go unchecked.
type checked struct {
	next   http.RoundTripper
	schema schema
	errs   map[string]error // by "request" and "response": of the last exchange
}

func (c checked) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	clear(c.errs)
	ctx := context.WithoutCancel(req.Context())
	seen := req.Clone(ctx)
	if len(body) == 0 {
		seen.Body = nil
	} else {
		seen.Body = io.NopCloser(bytes.NewReader(body))
		seen.Header.Set("Content-Type", "application/json")
	}
	route, params, err := c.schema.router.FindRoute(seen)
	if err != nil {
		return nil, err
	}
	in := &openapi3filter.RequestValidationInput{
		Request: seen, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	c.errs["request"] = openapi3filter.ValidateRequest(ctx, in)
	req.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := c.next.RoundTrip(req)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	out := (&openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header,
	}).SetBodyBytes(raw)
	c.errs["response"] = openapi3filter.ValidateResponse(ctx, out)
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

func (s *site) check(file string) map[string]error {
	errs := make(map[string]error)
	s.client = &http.Client{Transport: checked{s.Transport(), loadSchema(s.t, file), errs}}
	return errs
}

// Every request as a client sends it, and every answer of this Cloudflare, must fit the published schema.
func TestTrafficFitsTheSchema(t *testing.T) {
	s := newSite(t, cloudflaretest.Options{OperationTime: -1, MaxLists: 2, MaxItems: 3})
	errs := s.check("cloudflare-openapi-lists-2026.json")
	list := s.lists() + "/" + s.list
	fine := func(method, path, body string) answer {
		t.Helper()
		a := s.want(200, 0, method, path, body)
		for side, err := range errs {
			if err != nil {
				t.Errorf("%s %s: %s: %v", method, path, side, err)
			}
		}
		if len(errs) != 2 {
			t.Errorf("%s %s: %d sides checked", method, path, len(errs))
		}
		return a
	}
	poll := func(a answer) {
		t.Helper()
		var result struct {
			ID string `json:"operation_id"`
		}
		decode(t, a, &result)
		fine("GET", s.lists()+"/bulk_operations/"+result.ID, "")
	}

	fine("GET", s.lists(), "")
	fine("POST", s.lists(), `{"name":"other","kind":"ip","description":"d"}`)
	fine("GET", list, "")
	fine("PUT", list, `{"description":"d"}`)
	fine("GET", s.items()+"?per_page=500", "")
	poll(fine("POST", s.items(), `[{"ip":"192.0.2.1","comment":"c"},{"ip":"2001:db8::/64"}]`))
	first := fine("GET", s.items()+"?per_page=1", "")
	fine("GET", s.items()+query("per_page", "1", "cursor", first.JSON.ResultInfo.Cursors.After), "")
	fine("GET", s.items()+"/"+s.Items(s.list)[0].ID, "")
	poll(fine("PUT", s.items(), `[{"ip":"192.0.2.1"},{"ip":"192.0.2.2"},{"ip":"192.0.2.3"},{"ip":"192.0.2.4"}]`)) // too many
	poll(fine("DELETE", s.items(), `{"items":[{"id":"`+s.Items(s.list)[0].ID+`"}]}`))
	s.AddFault(cloudflaretest.Fault{Method: "POST", Effect: cloudflaretest.StuckOperation()})
	poll(fine("POST", s.items(), `[{"ip":"192.0.2.9"}]`))
	fine("DELETE", list, "")
}

func TestVerifyFitsTheSchema(t *testing.T) {
	s := newSite(t, instant())
	errs := s.check("cloudflare-openapi-subset.json")
	s.want(200, 0, "GET", "/user/tokens/verify", "")
	if errs["request"] != nil || errs["response"] != nil || len(errs) != 2 {
		t.Errorf("got %v", errs)
	}
}

// The check must be able to fail, or its silence says nothing.
func TestSchemaIsStrict(t *testing.T) {
	s := newSite(t, instant())
	s.set("192.0.2.1")
	errs := s.check("cloudflare-openapi-lists-2026.json")
	for _, test := range []struct{ method, path, body string }{
		{"GET", s.items() + "?per_page=501", ""},
		{"POST", s.items(), `{"items":[]}`},
		{"POST", s.items(), `[{"comment":"x"}]`},
		{"DELETE", s.items(), `{"items":[]}`},
		{"DELETE", s.items(), `{"items":[{"id":"short"}]}`},
		{"POST", s.lists(), `{"name":"a-b","kind":"ip"}`},
	} {
		s.do(test.method, test.path, test.body)
		if errs["request"] == nil {
			t.Errorf("%s %s %s passed", test.method, strings.TrimPrefix(test.path, s.lists()), test.body)
		}
	}
	for name, effect := range map[string]cloudflaretest.Effect{
		"item without id": cloudflaretest.ItemWithoutID(),
		"result missing":  cloudflaretest.Edit(func(e map[string]any) { delete(e, "result") }),
		"no success":      cloudflaretest.Answer(200, 10040, "no"),
	} {
		s.ClearFaults()
		s.AddFault(cloudflaretest.Fault{Effect: effect})
		s.do("GET", s.items(), "")
		if errs["response"] == nil {
			t.Errorf("%s passed", name)
		}
	}
}

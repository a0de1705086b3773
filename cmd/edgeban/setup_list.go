package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"edgeban/cloudflare"
	"edgeban/reconcile"
)

// findList looks for the list. One that is missing has no id yet.
func (u *wanted) findList(ctx context.Context) error {
	ctx, cancel := u.within(ctx)
	defer cancel()
	var err error
	if u.lists, _, err = u.client.Lists(ctx); err != nil {
		return err
	}
	name := u.work.list
	i := slices.IndexFunc(u.lists, func(l cloudflare.List) bool { return l.ID == strings.ToLower(name) || l.Name == name })
	switch {
	case i < 0 && isListID(name):
		return fmt.Errorf("list %s: %w", name, &cloudflare.ListNotFoundError{Ref: name, Lists: u.lists})
	case i < 0:
		u.there = cloudflare.List{Name: name, Kind: cloudflare.KindIP}
	case u.lists[i].Kind != cloudflare.KindIP:
		return fmt.Errorf("list %s: %w", name, &cloudflare.ListKindError{List: u.lists[i]})
	case len(u.wanted) > 0 && u.wanted[0] != u && u.wanted[0].there.ID == u.lists[i].ID:
		return fmt.Errorf("list %s: %w", name, &cloudflare.SameListError{Ref: u.settings.List})
	default:
		u.there = u.lists[i]
	}
	return nil
}

// isListID reports whether the setting can be an id, under which no list can be created.
func isListID(name string) bool {
	return len(name) == 32 && strings.Trim(strings.ToLower(name), "0123456789abcdef") == ""
}

// description is what the dashboard says of the list.
func (u *wanted) description() string {
	if u.work.remedy == reconcile.Challenge {
		return "Addresses to challenge, kept in step by edgeban"
	}
	return "Addresses that are banned, kept in step by edgeban"
}

// createList creates the list if it is missing.
func (u *wanted) createList(ctx context.Context) error {
	if u.there.ID != "" {
		return nil
	}
	ctx, cancel := u.within(ctx)
	defer cancel()
	err := u.client.CreateList(ctx, u.there.Name, u.description())
	var uncertain *cloudflare.UncertainError
	var failure *cloudflare.APIError
	switch {
	case errors.As(err, &uncertain): // whether it is there can be seen
		if failed := u.findList(ctx); failed != nil || u.there.ID == "" {
			return err
		}
	case errors.As(err, &failure) && failure.ListsFull():
		return &listQuotaError{name: u.there.Name, remedy: u.work.remedy, lists: u.lists, config: u.settings.configFile(), err: err}
	case err != nil:
		return err
	}
	u.lists = append(u.lists, cloudflare.List{Name: u.there.Name, Kind: cloudflare.KindIP})
	u.say("list", u.there.Name+": created")
	return nil
}

// listQuotaError is a list that the plan has no room for.
type listQuotaError struct {
	name   string
	remedy reconcile.Remedy
	lists  []cloudflare.List
	config string // the configuration file in effect
	err    error
}

func (e *listQuotaError) Error() string {
	return fmt.Sprintf("list %s: the plan's quota of lists is used up: %v", e.name, e.err)
}
func (e *listQuotaError) Unwrap() error { return e.err }

// Hint names the lists there are: an IP list can be shared, because edgeban touches only its own items.
func (e *listQuotaError) Hint() string {
	var have, usable []string
	for _, l := range e.lists {
		have = append(have, fmt.Sprintf("%s (%s, %s)", l.Name, l.Kind, plural(l.Items, "item")))
		if l.Kind == cloudflare.KindIP {
			usable = append(usable, l.Name)
		}
	}
	all := "The account has: " + strings.Join(have, ", ") + "."
	if e.remedy == reconcile.Challenge {
		return all + "\n" + withoutSecondList
	}
	hint := "A Free plan allows one list, Pro and Business ten. " + all
	if len(usable) > 0 {
		hint += "\nUse one of these: edgeban setup --list " + usable[0] + " (items by hand and of other programs stay; set list = \"" + usable[0] +
			"\" in " + e.config + ").\nOr delete one that nothing uses, or upgrade one zone of the account."
	} else {
		hint += "\nDelete one that nothing uses, or upgrade one zone of the account."
	}
	return hint
}

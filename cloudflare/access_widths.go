package cloudflare

import "edgeban/reconcile"

// RuleWidths are the prefix lengths that an access rule can have (https://developers.cloudflare.com/waf/tools/ip-access-rules/parameters/).
func RuleWidths() reconcile.Widths {
	return reconcile.Widths{V4: []int{16, 24, 32}, V6: []int{32, 48, 64, 128}}
}

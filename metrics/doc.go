// Package metrics turns what a run saw and did into a file for node_exporter's textfile collector, or into a push to a Pushgateway.
//
// Start at [WriteFile] and [Gateway.Push]; [Registry] is what both publish.
//
// # The contract
//
// Everything is a gauge about the last run. A program that runs for seconds has no memory for counters, and a sum over
// runs is the business of whoever reads them.
//
// Absent means not measured. A run that did not read the list publishes no items, no drift and no capacity, rather than 0
// or what held last time. A sum is absent when one of its parts is: with one of two Fail2Ban databases unreadable, no bans by jail
// are published for Fail2Ban. Where a set of label values is fixed, all of it is written as soon as it is known, zeros
// included, so that an alert may compare without asking whether the series exists.
//
// Names, types, label names and HELP texts are fixed in testdata/names.txt: dashboards and alerts of other people rest on
// them. HELP texts never vary, because node_exporter drops a metric whose HELP differs between two files. No sample has a
// timestamp, because node_exporter drops a file that holds one. Label values that come from outside, such as a jail's name, are
// made printable and cut, and there is a limit to how many jails are told apart.
//
// Each call makes a registry of its own; the package holds no state and registers nothing globally.
package metrics

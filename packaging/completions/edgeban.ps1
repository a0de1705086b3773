# PowerShell completion for edgeban. Made from the program's declarations: UPDATE=1 go test -run TestCompletions ./cmd/edgeban
Register-ArgumentCompleter -Native -CommandName edgeban -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    if ($before.Count -eq 0) { return }
    $command = if ($before.Count -gt 1) { $before[1] } else { '' }
    $commands = [ordered]@{
        'sync' = 'make the list equal to the active bans; what the timer starts'
        'diff' = 'show what sync would change, and change nothing'
        'bans' = 'show the active bans, and why some are left out'
        'setup' = 'create the list and the rule that blocks what is on it'
        'check' = 'test every part of the set-up, and say how to fix what is wrong'
        'status' = 'show how the last run ended, and what waits'
        'ban' = 'put an address or a network on the list at once, by hand'
        'unban' = 'take an address or a network off the list at once'
        'flush' = 'remove everything that this host has on the list'
        'adopt' = 'take over the items of an older script that match active bans'
        'demo' = 'watch the whole job on an embedded Cloudflare: no account, no root, no network'
        'config' = 'show the settings in effect and where each came from'
        'version' = 'print the version'
        'help' = 'show help on a command'
    }
    $takesSettings = @('sync', 'diff', 'bans', 'setup', 'check', 'status', 'ban', 'unban', 'flush', 'adopt', 'config')
    $settings = [ordered]@{
        '--instance' = 'one of several configurations on this host: /etc/edgeban/NAME.toml, with an owner and a state directory of its own'
        '--config' = 'configuration file'
        '--fail2ban-db' = 'Fail2Ban''s database; empty: none'
        '--fail2ban-bantime' = 'length of a ban whose record carries none, as in Fail2Ban before 0.11'
        '--jail' = 'jails to mirror'
        '--exclude-jail' = 'jails not to mirror'
        '--challenge-jail' = 'jails whose bans are challenges'
        '--crowdsec-url' = 'CrowdSec''s Local API: http://127.0.0.1:8080, https://… or unix:///path'
        '--crowdsec-key-file' = 'file that holds CrowdSec''s API key; $EDGEBAN_CROWDSEC_KEY may hold the key itself'
        '--crowdsec-ca' = 'certificates of the authority behind CrowdSec''s https, PEM'
        '--crowdsec-cert' = 'client certificate for CrowdSec in place of a key, PEM'
        '--crowdsec-cert-key' = 'private key of that certificate, PEM'
        '--crowdsec-origin' = 'origins of decisions to mirror; CAPI and lists hold the community''s'
        '--crowdsec-scenario' = 'scenarios to mirror; ssh-* is the same as */ssh-*'
        '--exclude-scenario' = 'scenarios not to mirror'
        '--account' = 'account id, 32 hexadecimal digits'
        '--token-file' = 'file that holds the API token; $CLOUDFLARE_API_TOKEN may hold the token itself'
        '--email' = 'e-mail address of the user whose global API key is used, where there can be no token'
        '--api-key-file' = 'file that holds that key; $CLOUDFLARE_API_KEY may hold the key itself'
        '--target' = 'what holds the bans: list, or access-rules (IP Access Rules, one for each address)'
        '--zone' = 'with target access-rules: zone whose rules to use, in place of the account''s'
        '--user' = 'with target access-rules: use the user''s rules, which hold for all zones of the user'
        '--request-budget' = 'most requests of one run with access rules; Cloudflare allows 1200 in five minutes; adopt and flush: 1000 unless this is set'
        '--spill' = 'where bans go while Cloudflare refuses to write the list: none, or access-rules'
        '--spill-allow' = 'with spill: make an Allow rule for an address that a person un-banned, until the list lets it go'
        '--list' = 'list to keep in step, by its name or its id'
        '--challenge-list' = 'list of addresses to challenge, by its name or its id; without it challenges are left out'
        '--owner' = 'owner written into the comments of our items'
        '--former-owner' = 'owner whose items are ours now'
        '--ownership' = 'tagged: items by hand stay; exclusive: items without an owner are ours'
        '--max-items' = 'the account''s quota: of items over all its lists, or of access rules'
        '--batch-size' = 'most items in one request'
        '--api-url' = 'Cloudflare''s API'
        '--ipv6-prefix' = 'widen IPv6 bans to this prefix length'
        '--min-prefix-4' = 'leave out broader IPv4 bans'
        '--min-prefix-6' = 'leave out broader IPv6 bans'
        '--challenge-as-block' = 'block those that the sources only want challenged'
        '--margin' = 'how long an item stays after its ban'
        '--allow' = 'address or network never to block'
        '--allow-file' = 'file of addresses and networks never to block, one per line'
        '--timeout' = 'most time for the whole run'
        '--write-interval' = 'least time between two writes to Cloudflare'
        '--skip-alarm' = 'exit with 1 when every run has been skipped for this long'
        '--state-dir' = 'where a run leaves word for the next one'
        '--metrics-file' = 'where to write metrics for node_exporter, named *.prom'
        '--pushgateway-url' = 'Prometheus Pushgateway to send metrics to, without /metrics'
        '--log-level' = 'least level to log: debug, info, warn or error'
        '--log-format' = 'text or json'
    }
    $flags = @{
        '' = [ordered]@{
            '--help' = 'show help'
            '--version' = 'print the version'
        }
        'sync' = [ordered]@{
            '--dry-run' = 'change nothing, print what would change: the same as diff'
            '--allow-removals' = 'let removals through that are otherwise withheld'
            '--help' = 'show help'
        }
        'diff' = [ordered]@{
            '--json' = 'print JSON'
            '--exit-code' = 'exit with 4 when changes are pending'
            '--allow-removals' = 'let removals through that are otherwise withheld'
            '--help' = 'show help'
        }
        'bans' = [ordered]@{
            '--json' = 'print JSON'
            '--count' = 'print how many active bans there are, those left out included'
            '--ip' = 'answer for this address or network alone'
            '--help' = 'show help'
        }
        'setup' = [ordered]@{
            '--action' = 'WORD for what the rule of the block list does, block or managed_challenge (default: block)'
            '--dry-run' = 'change nothing, say what would be done'
            '--yes' = 'ask nothing'
            '--help' = 'show help'
        }
        'check' = [ordered]@{
            '--json' = 'print JSON'
            '--help' = 'show help'
        }
        'status' = [ordered]@{
            '--json' = 'print JSON'
            '--help' = 'show help'
        }
        'ban' = [ordered]@{
            '--for' = 'how long (default: 24h)'
            '--permanent' = 'without an end'
            '--remedy' = 'WORD for what the edge is to do, block or challenge (default: block)'
            '--reason' = 'why; at most 100 bytes, kept in the item''s comment'
            '--help' = 'show help'
        }
        'unban' = [ordered]@{
            '--for' = 'keep it off the list for this long, whatever the sources say'
            '--help' = 'show help'
        }
        'flush' = [ordered]@{
            '--all-owners' = 'the items of all other edgebans, too'
            '--yes' = 'remove without asking'
            '--help' = 'show help'
        }
        'adopt' = [ordered]@{
            '--remove-rest' = 'remove the items without a tag that match no active ban'
            '--yes' = 'remove without asking'
            '--help' = 'show help'
        }
        'demo' = [ordered]@{
            '--db' = 'a real Fail2Ban FILE to show'
            '--help' = 'show help'
        }
        'config' = [ordered]@{
            '--json' = 'print JSON'
            '--help' = 'show help'
        }
        'version' = [ordered]@{
            '--help' = 'show help'
        }
    }
    $words = @{
        '--log-level' = 'debug', 'info', 'warn', 'error'
        '--target' = 'list', 'access-rules'
        '--spill' = 'none', 'access-rules'
        '--ownership' = 'tagged', 'exclusive'
        '--log-format' = 'text', 'json'
    }
    $takesValue = '--account', '--action', '--allow', '--allow-file', '--api-key-file', '--api-url', '--batch-size', '--challenge-jail', '--challenge-list', '--config', '--crowdsec-ca', '--crowdsec-cert', '--crowdsec-cert-key', '--crowdsec-key-file', '--crowdsec-origin', '--crowdsec-scenario', '--crowdsec-url', '--db', '--email', '--exclude-jail', '--exclude-scenario', '--fail2ban-bantime', '--fail2ban-db', '--for', '--former-owner', '--instance', '--ip', '--ipv6-prefix', '--jail', '--list', '--margin', '--max-items', '--metrics-file', '--min-prefix-4', '--min-prefix-6', '--owner', '--pushgateway-url', '--reason', '--remedy', '--request-budget', '--skip-alarm', '--state-dir', '--timeout', '--token-file', '--write-interval', '--zone'
    $found = [ordered]@{}
    if ($takesValue -contains $before[-1]) {
        return # PowerShell itself completes paths
    } elseif ($words.ContainsKey($before[-1])) {
        $words[$before[-1]] | ForEach-Object { $found[$_] = $_ }
    } else {
        if ($before.Count -eq 1 -or $command -eq 'help') { $commands.GetEnumerator() | ForEach-Object { $found[$_.Key] = $_.Value } }
        if ($flags.ContainsKey($command)) { $flags[$command].GetEnumerator() | ForEach-Object { $found[$_.Key] = $_.Value } }
        if ($takesSettings -contains $command) { $settings.GetEnumerator() | ForEach-Object { $found[$_.Key] = $_.Value } }
    }
    $found.GetEnumerator() | Where-Object { $_.Key.StartsWith($wordToComplete) } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_.Key, $_.Key, 'ParameterValue', $_.Value)
    }
}

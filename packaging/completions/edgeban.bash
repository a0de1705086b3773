# bash completion for edgeban. Made from the program's declarations: UPDATE=1 go test -run TestCompletions ./cmd/edgeban
_edgeban() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then # --flag=, which bash takes for two words
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    local words=
    if ((COMP_CWORD == 1)); then
        words='sync diff bans setup check status ban unban flush adopt demo config version help --help --version'
    fi
    local settings='--instance --config --fail2ban-db --fail2ban-bantime --jail --exclude-jail --challenge-jail --crowdsec-url --crowdsec-key-file --crowdsec-ca --crowdsec-cert --crowdsec-cert-key --crowdsec-origin --crowdsec-scenario --exclude-scenario --account --token-file --email --api-key-file --target --zone --user --request-budget --spill --spill-allow --list --challenge-list --owner --former-owner --ownership --max-items --batch-size --api-url --ipv6-prefix --min-prefix-4 --min-prefix-6 --challenge-as-block --margin --allow --allow-file --timeout --write-interval --skip-alarm --state-dir --metrics-file --pushgateway-url --log-level --log-format'
    ((COMP_CWORD > 1)) && case ${COMP_WORDS[1]} in
        sync) words='--dry-run --allow-removals --help'" $settings" ;;
        diff) words='--json --exit-code --allow-removals --help'" $settings" ;;
        bans) words='--json --count --ip --help'" $settings" ;;
        setup) words='--action --dry-run --yes --help'" $settings" ;;
        check) words='--json --help'" $settings" ;;
        status) words='--json --help'" $settings" ;;
        ban) words='--for --permanent --remedy --reason --help'" $settings" ;;
        unban) words='--for --help'" $settings" ;;
        flush) words='--all-owners --yes --help'" $settings" ;;
        adopt) words='--remove-rest --yes --help'" $settings" ;;
        demo) words='--db --help' ;;
        config) words='--json --help'" $settings" ;;
        version) words='--help' ;;
        help) words='sync diff bans setup check status ban unban flush adopt demo config version help' ;;
        *) return ;;
    esac
    case $prev in
        --log-level) words='debug info warn error' ;;
        --target) words='list access-rules' ;;
        --spill) words='none access-rules' ;;
        --ownership) words='tagged exclusive' ;;
        --log-format) words='text json' ;;
        --allow-file | --api-key-file | --config | --crowdsec-ca | --crowdsec-cert | --crowdsec-cert-key | --crowdsec-key-file | --db | --fail2ban-db | --metrics-file | --token-file)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return ;;
        --state-dir)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return ;;
        --account | --action | --allow | --api-url | --batch-size | --challenge-jail | --challenge-list | --crowdsec-origin | --crowdsec-scenario | --crowdsec-url | --email | --exclude-jail | --exclude-scenario | --fail2ban-bantime | --for | --former-owner | --instance | --ip | --ipv6-prefix | --jail | --list | --margin | --max-items | --min-prefix-4 | --min-prefix-6 | --owner | --pushgateway-url | --reason | --remedy | --request-budget | --skip-alarm | --timeout | --write-interval | --zone) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _edgeban edgeban

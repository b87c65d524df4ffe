#include "rules.h"

#include "report.h"
#include "texts.h"

#include <stdlib.h>
#include <towline/error.h>

/* An empty list is none. */
static int list_copy(char ***out, const char *const *list) {
    return tow_texts_copy(out, tow_texts_count(list) > 0 ? list : NULL);
}

int tow_rules_new(tow_rules **out, const char *const *allow_origins, const char *const *hosts,
    const tow_settings *settings) {
    tow_complaint complaint = {0};
    tow_rules *rules = calloc(1, sizeof(*rules));
    if (rules == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&rules->holders, 1);
    int error = list_copy(&rules->allow_origins, allow_origins);
    if (error == 0)
        error = list_copy(&rules->hosts, hosts);
    if (error == 0)
        error = tow_texts_check(&tow_rule_of_origins, rules->allow_origins, &complaint);
    if (error == 0)
        error = tow_texts_check(&tow_rule_of_hosts, rules->hosts, &complaint);
    if (complaint.text[0] != '\0')
        tow_report(settings, TOW_LOG_ERROR, "%s", complaint.text);
    if (error != 0) {
        tow_rules_release(rules);
        return error;
    }
    rules->host_rule.names = rules->status_host_rule.names = (const char *const *)rules->hosts;
    *out = rules;
    return 0;
}

void tow_rules_know_sites(tow_rules *rules, const tow_sites *sites) {
    rules->host_rule.local = rules->hosts == NULL && tow_sites_are_loopback(sites, false);
    rules->status_host_rule.local = rules->hosts == NULL && tow_sites_are_loopback(sites, true);
}

tow_rules *tow_rules_retain(tow_rules *rules) {
    atomic_fetch_add_explicit(&rules->holders, 1, memory_order_relaxed);
    return rules;
}

void tow_rules_release(tow_rules *rules) {
    if (rules == NULL || atomic_fetch_sub_explicit(&rules->holders, 1, memory_order_acq_rel) > 1)
        return;
    tow_texts_free(rules->allow_origins);
    tow_texts_free(rules->hosts);
    free(rules);
}

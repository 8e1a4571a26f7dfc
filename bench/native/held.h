/* Who held which version when: a histogram of arrivals for each version, and of the ages of all. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VERSIONS = 1 << 14, BINS = 1024, AGES = 200000 };
#define BIN_NS 2000000LL /* 2 ms; the last bin takes what comes later */
#define AGE_NS 100000LL  /* 0.1 ms */

struct version {
  int64_t ts_ms, began_ns, last_ns;
  uint32_t *holders; /* by bin since began_ns, when the first connection held it or a newer one */
};

static struct version versions[MAX_VERSIONS];
static int64_t before_all; /* the newest version that is not looked at */
static uint32_t ages[AGES + 1];

static void held_reset(int64_t newest) {
  for (int n = 0; n < MAX_VERSIONS; n++) free(versions[n].holders);
  memset(versions, 0, sizeof versions);
  memset(ages, 0, sizeof ages);
  before_all = newest;
}

/* Note that a connection which held one version got a newer one, stamped ts_ms, at at_ns. */
static void held_note(int64_t held, int64_t version, int64_t ts_ms, int64_t at_ns) {
  int64_t age = (at_ns - ts_ms * 1000000) / AGE_NS;
  ages[age < 0 ? 0 : age > AGES ? AGES : age]++;
  if (before_all < 0) before_all = version; /* the first of all: what was before is unknown */
  if (held < before_all) held = before_all;
  for (int64_t one = held + 1; one <= version; one++) {
    int64_t place = one - before_all - 1;
    if (place >= MAX_VERSIONS) return;
    struct version *it = &versions[place];
    if (!it->holders) {
      it->holders = calloc(BINS, sizeof *it->holders);
      it->began_ns = at_ns;
    }
    int64_t bin = (at_ns - it->began_ns) / BIN_NS;
    it->holders[bin < BINS ? bin : BINS - 1]++;
    it->last_ns = at_ns;
    if (one == version) it->ts_ms = ts_ms;
  }
}

static double age_ms_at(double share) {
  uint64_t all = 0, seen = 0;
  for (int n = 0; n <= AGES; n++) all += ages[n];
  for (int n = 0; n <= AGES; n++)
    if ((seen += ages[n]) >= share * all && seen) return n * (AGE_NS / 1e6);
  return 0;
}

static void held_print(void) {
  printf("\"age_ms\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f},\"versions\":[", age_ms_at(0.5),
         age_ms_at(0.99), age_ms_at(1));
  const char *comma = "";
  for (int n = 0; n < MAX_VERSIONS && versions[n].holders; n++) {
    struct version *it = &versions[n];
    printf("%s[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",[", comma, before_all + 1 + n,
           it->ts_ms, it->began_ns, it->last_ns);
    comma = "";
    for (int bin = 0; bin < BINS; bin++)
      if (it->holders[bin]) { printf("%s[%d,%u]", comma, bin, it->holders[bin]); comma = ","; }
    printf("]]");
    comma = ",";
  }
  printf("]");
}

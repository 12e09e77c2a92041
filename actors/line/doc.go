// Package line is the pure core of the calling side of one business number: its settings and hours, whether they have reached
// the provider, and how many calls it carries.
//
// It is not the provider's client, a credential store or an actor: it does no I/O, has no clock, goroutine or chance. Decide judges
// a command and changes nothing, Evolve records an event and cannot fail, Effects says what a shell must do about it, Deadline
// when the shell must send Wake. The State has one owner: the mailbox of the shell that activated the line.
//
// One exception to purity, and it is only in appearance: hours name their time zone, and time.LoadLocation looks it up. The
// answer depends on nothing but the name as long as the binary carries the zones (package time/tzdata, imported by the program)
// and every node runs the same binary; a zone that cannot be found is refused when settings are saved, and counts as open later.
//
// # Settings and the provider
//
//	              SaveSettings            SettingsPushed
//	synced ──────────────────▶ pushing ───────────────────▶ synced
//	 │ ▲                        ▲ │ │  ▲ (saved meanwhile:     │
//	 │ └── the same, reported   │ │ └──┘  push the newest)     │ MetaReported: somebody changed them there
//	 │                          │ ▼ SettingsPushFailed         ▼
//	 │                 Wake ─── waiting, 5 s doubled to 10 min   pushing
//	 │                            │ failed for good
//	 └── SaveSettings ◀──────── stuck, says why
//
// Our settings are the source: what the provider has instead is overwritten. A push that brings no outcome is repeated after a
// minute; repeating one does no harm (Cloud API calling, call settings: omitted fields keep their value, call hours are replaced
// whole). Only the newest version is pushed, one push at a time, so that an older one never lands last.
//
// # A call's place
//
//	      AdmitCall (switched on, open, not restricted, room)
//	free ─────────────────────────────────────────────────────▶ taken ──┐ RenewCall
//	 ▲                                                          │    ▲──┘
//	 └───────────────────── CallGone, or the lease is over ─────┘
//
// Invariants: AdmitCall never takes more places than the limit; every place is a lease and ends by itself; settings that were
// saved are valid and either confirmed, on their way, waiting for a retry, or stuck with a reason; Open changes its answer only at
// the time it named.
package line

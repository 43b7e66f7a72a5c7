package policy

import (
	"slices"

	"github.com/clawdbot/clawgate/sidecar/verdict"
)

// picture is all that is known now, for package verdict.
func (k *Keeper) picture() verdict.Picture { return verdict.Draw(&k.seen, k.moment()) }

// moment is what package verdict is to know beside what was seen.
func (k *Keeper) moment() verdict.Moment {
	return verdict.Moment{
		Now: k.turn.now, ContainerName: k.settings.Container, Traffic: k.turn.Traffic,
		Limit: verdict.Limits{
			FailureThreshold: k.settings.FailureThreshold,
			SuccessThreshold: k.settings.SuccessThreshold,
			FirstChunk:       k.settings.FirstChunkTimeout,
			LoadStall:        k.settings.LoadTimeout,
		},
		Unfinished: k.owesStart(k.seen.Container.Seen),
		LoadSince:  k.focusLoads(), PullSince: k.pull.since, PullStatus: k.pull.status,
		OffGPU: k.settings.OffGPU || slices.Contains(k.turn.OffGPU, k.seen.Focus),
	}
}

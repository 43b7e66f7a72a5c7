package verdict

import (
	"fmt"

	"github.com/clawdbot/clawgate/evidence"
	"github.com/clawdbot/clawgate/sidecar/watch"
)

// Apart says why the container is not the server that answers, or that answered last;
// empty where it is, and where that cannot be told. While nobody listens there, a name
// that leads nowhere and a person's act are all that there is to say.
func Apart(seen *watch.State, of Moment) string {
	name := fmt.Sprintf("%q (CLAWGATE_CONTAINER)", of.ContainerName)
	status := seen.Container.Seen.Status
	switch beside := seen.Role.Beside(); {
	case beside && seen.Server.Refused() && (status == evidence.Absent || operatorAct(&seen.Container, of) != ""):
	case beside && status == evidence.Absent:
		return "no container is called " + name + ", and a server answers at CLAWGATE_OLLAMA_URL all the same"
	case beside:
		return fmt.Sprintf("container %s is %s, and a server answers at CLAWGATE_OLLAMA_URL all the same", name, status)
	case seen.Role.Idle():
		return "container " + name + " did nothing while the server at CLAWGATE_OLLAMA_URL answered, so that is another one"
	}
	return ""
}

package evidence

// XidClass says what an Xid means for who watches over one container.
type XidClass string

const (
	// XidApplication is a program's own mistake, or the echo of its end. What it
	// does to the program shows by itself.
	XidApplication XidClass = "application"
	// XidDevice is a device that no restart of a container brings back.
	XidDevice XidClass = "device"
	// XidInformation is for a maintenance window at most.
	XidInformation XidClass = "information"
)

// xidClasses follows NVIDIA's catalogue of Xids (docs.nvidia.com/deploy/xid-errors)
// and what its own Kubernetes plugin ignores (getDisabledHealthCheckXids of
// NVIDIA/k8s-device-plugin: 13, 31, 43, 45, 68, 109). 94 is a contained memory error:
// it ends the program that met it, and no other.
var xidClasses = map[uint64]XidClass{
	13: XidApplication, 31: XidApplication, 43: XidApplication, 45: XidApplication, 68: XidApplication, 94: XidApplication,
	109: XidApplication, // the catalogue says reset, the plugin ignores it
	46:  XidDevice, 48: XidDevice, 62: XidDevice, 64: XidDevice, 74: XidDevice, 79: XidDevice, 95: XidDevice,
	119: XidDevice, 120: XidDevice, 140: XidDevice, 143: XidDevice, 154: XidDevice, 155: XidDevice, 156: XidDevice, 158: XidDevice,
	63: XidInformation, 92: XidInformation,
}

// Class is the class of an Xid. One that is not in the table is information: a
// guess must not take traffic from a model that answers.
func (x Xid) Class() XidClass {
	if class, known := xidClasses[x.Code]; known {
		return class
	}
	return XidInformation
}

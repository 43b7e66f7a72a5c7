//go:build !linux || !cgo

package gpu

// openDriver has no driver to open: go-nvml needs Linux and cgo.
func openDriver(string) (driver, error) {
	return nil, &unavailable{reason: "this clawgate was built without cgo, which NVML needs"}
}

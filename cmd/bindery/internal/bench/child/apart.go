//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// apart keeps a terminal's Ctrl-C from the children: the bench ends them, in
// order.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

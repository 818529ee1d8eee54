package dlr

import (
	"embed"

	"bindery/internal/redisdb"
)

//go:embed lua/*.lua
var lua embed.FS

func script(name string) *redisdb.Script {
	source, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return redisdb.NewScript(name, string(source))
}

#include "command/command.h"
#include "supervisor/supervisor.h"

static const char help[] =
    "Usage: paysieve serve [--config FILE]\n"
    "\n"
    "Run the gateway until SIGTERM or SIGINT, which let requests end first; a\n"
    "second signal ends it at once.  SIGHUP reads the configuration again.\n"
    "Log lines go to standard error.\n"
    "\n"
    "Exit code: 0 after a drain, 78 bad configuration, 74 the store failed, "
    "1.\n";

int
serve_main(const char *config, int argc, char **argv)
{
	int code;

	if (!command_plain(argc, argv, help, &config, &code))
		return code;
	return supervisor_run(command_config_path(config));
}

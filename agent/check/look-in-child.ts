import { arch } from 'node:process';
import { ELF_MACHINES } from './executable.ts';
import { type Launch, TOOLS_PATH } from './launcher.ts';

/** What the shell calls itself in its messages, which need no name. */
export const LOOKER = 'nsc-look';

/**
 * What findExecProblem does, for a shell: its arguments are the program, the directory that is `/` for it, its PATH and
 * the numbers of the processor, and then those of env(1), which begins with nothing of the shell's environment.
 */
const SCRIPT = `
set -f
name=$1 root=$2 path=$3 machines=$4 arch=$5
shift 5
refuse() {
  echo "$0: $name: $1" >&2
  exit 126
}
look() {
  if [ -d "$1" ]; then refuse 'is a directory'; fi
  if [ ! -f "$1" ] || [ ! -x "$1" ]; then return; fi
  if [ ! -s "$1" ]; then refuse 'is empty'; fi
  judge $(od -An -v -tu1 -N256 "$1" 2>/dev/null)
}
judge() {
  case "$1 $2 $3 $4" in
    '   ') ;;
    '127 69 76 70')
      case " $machines " in
        '  ' | *" $((\${19:-0} + 256 * \${20:-0})) "*) ;;
        *) refuse "is not a program for this processor ($arch)" ;;
      esac
      ;;
    '35 33 '*)
      shift 2
      while [ "$1" = 32 ] || [ "$1" = 9 ]; do shift; done
      case $1 in '' | 0 | 10) neither ;; esac
      ;;
    *) neither ;;
  esac
}
neither() {
  refuse 'is neither a program nor a script that begins with #! and its interpreter'
}
search() {
  IFS=:
  for each in $path; do
    file=$root/$each/$name
    if [ -f "$file" ] && [ -x "$file" ]; then return; fi
  done
  file=
}
case $name in
  */*) file=$root/$name ;;
  *) search ;;
esac
unset IFS
look "$file"
exec env -i -- "$@"
`;

/**
 * The same launch by way of a shell that looks at the program first, for when looks of our own hang. If this one does too,
 * or the kernel when it executes the program, that holds up nothing but the run.
 *
 * Throws for a program with `=` in its name, which env(1) would take for a variable.
 */
export function lookInChild(launch: Launch): Launch {
  const { file, program, root, env } = launch;
  if (file.includes('='))
    throw new Error(`${program}: is not looked at, because other files are that hang, and its name has a =`);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const seen = [program, root === '/' ? '' : root, env.PATH, (ELF_MACHINES[arch] ?? []).join(' '), arch];
  return {
    ...launch,
    file: '/bin/sh',
    argv0: 'sh',
    args: ['-c', SCRIPT, LOOKER, ...seen, ...variables, file, ...launch.args],
    env: { PATH: TOOLS_PATH },
    tools: [LOOKER, 'env', ...launch.tools],
  };
}

import type { Check } from '../../agent/core/policy.ts';
import { NODE_IP, NODE_NAME, type Said } from './players.ts';
import { DIR } from './stage.ts';

/** One check, and what a run of it has to say. */
export interface Row {
  /** Below `scripts`. */
  readonly script: string;
  readonly args?: readonly string[];
  /** What differs from the defaults. */
  readonly check?: Partial<Pick<Check, 'env' | 'onStderr' | 'onTimeout' | 'timeoutSeconds' | 'words'>> & {
    readonly exitCodes?: Partial<Check['exitCodes']>;
  };
  readonly verdict: Said['verdict'];
  /** The reason that the policy gives for the exit code. */
  readonly mapped?: string;
  /** None when absent. */
  readonly words?: string;
  /** Programs that not every machine has. */
  readonly needs?: readonly string[];
}

/** Monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown. */
const PLUGIN = { exitCodes: { unknown: [3, 126, 127], reasons: { 1: 'Warning', 2: 'Critical' } } };
/** Plugins of node-problem-detector: 0 ok, 1 a problem, else unknown. */
const NPD = { exitCodes: { unknown: [2, 126, 127], reasons: { 1: 'ProblemFound' } } };
const IGNORE = { onStderr: 'Ignore' } as const;
const PERL = ['perl'];
const PYTHON = ['python3'];
/** Of those that time out: enough for an agent that starts a hundred at once on a busy machine to hear their first words. */
const TIMES_OUT = { timeoutSeconds: 30 };

/**
 * By the name of its policy. What is expected follows from what is promised of checks, and is never copied from what the
 * program says.
 */
export const TABLE: Readonly<Record<string, Row>> = {
  // Monitoring plugins: a line of status and performance data, more of both below it.
  'plugin-ok': {
    script: 'check_volume.sh',
    args: ['-u', '56'],
    check: PLUGIN,
    verdict: 'Healthy',
    words: 'VOLUME OK - /var/lib/data is 56% full | /var/lib/data=56%;80;90;0;100',
  },
  'plugin-warning': {
    script: 'check_volume.sh',
    args: ['-u', '85'],
    check: PLUGIN,
    verdict: 'Failed',
    mapped: 'Warning',
    words: 'VOLUME WARNING - /var/lib/data is 85% full | /var/lib/data=85%;80;90;0;100',
  },
  'plugin-critical-by-a-link': {
    script: 'check_volume_link',
    args: ['-u', '97', '-c', '95'],
    check: PLUGIN,
    verdict: 'Failed',
    mapped: 'Critical',
    words: 'VOLUME CRITICAL - /var/lib/data is 97% full | /var/lib/data=97%;80;95;0;100',
  },
  'plugin-unknown': {
    script: 'check_volume.sh',
    check: { exitCodes: { ...PLUGIN.exitCodes, reasons: { 3: 'BadUsage' } } },
    verdict: 'Unknown',
    mapped: 'BadUsage',
    words: 'VOLUME UNKNOWN - usage: check_volume.sh -u PERCENT [-w PERCENT] [-c PERCENT]',
  },
  'plugin-unknown-where-nobody-said-so': {
    script: 'check_volume.sh',
    verdict: 'Failed',
    words: 'VOLUME UNKNOWN - usage: check_volume.sh -u PERCENT [-w PERCENT] [-c PERCENT]',
  },
  'plugin-last-line': {
    script: 'check_volume.sh',
    args: ['-u', '3'],
    check: { ...PLUGIN, words: 'LastLine' },
    verdict: 'Healthy',
    words: '/var/lib/meta: thin pool vg0/meta, 61 of 64 extents free | /var/lib/meta=4%;80;90;0;100',
  },
  'plugin-with-a-library-beside-it': {
    script: 'check_certificates.sh',
    check: PLUGIN,
    verdict: 'Failed',
    mapped: 'Warning',
    words: 'CERT WARNING: apiserver-kubelet-client expires in 12 days|days=12;30;7',
  },
  'plugin-summary-last': {
    script: 'check_latency.sh',
    check: { ...PLUGIN, words: 'LastLine' },
    verdict: 'Failed',
    mapped: 'Critical',
    words: 'LATENCY CRITICAL - p99 18 ms over 2000 samples | p99=18ms;5;10',
  },
  'plugin-perl': {
    script: 'check_ntp_peer.pl',
    check: PLUGIN,
    needs: PERL,
    verdict: 'Healthy',
    words: 'NTP OK: Offset 0.0423 secs | offset=0.042300s;0.1;0.5;',
  },
  'plugin-awk': {
    script: 'check_zombies.awk',
    check: PLUGIN,
    verdict: 'Failed',
    mapped: 'Critical',
    words: 'PROCS CRITICAL: 7 processes in state Z | procs=7;3;5;0;',
  },
  // Perl exits with 2 then, which plugins mean as critical.
  'plugin-missing-module': {
    script: 'perl_module.pl',
    needs: PERL,
    check: { ...PLUGIN, ...IGNORE, words: 'LastLine' },
    verdict: 'Failed',
    mapped: 'Critical',
    words: `BEGIN failed--compilation aborted at ${DIR}/perl_module.pl line 3.`,
  },
  'plugin-missing-module-says-nothing': {
    script: 'perl_module.pl',
    needs: PERL,
    check: { exitCodes: { unknown: [3, 126, 127] }, onStderr: 'Unknown', words: 'LastLine' },
    verdict: 'Unknown',
    words: `BEGIN failed--compilation aborted at ${DIR}/perl_module.pl line 3.`,
  },

  // Plugins of node-problem-detector.
  'npd-ok': { script: 'npd_conntrack.sh', args: ['10', '65536'], check: NPD, verdict: 'Healthy' },
  'npd-problem': {
    script: 'npd_conntrack.sh',
    args: ['65000', '65536'],
    check: NPD,
    verdict: 'Failed',
    mapped: 'ProblemFound',
    words: 'Conntrack table usage over 90%: 65000 out of 65536',
  },
  'npd-unknown': {
    script: 'npd_conntrack.sh',
    check: NPD,
    verdict: 'Unknown',
    words: 'conntrack table: no limit is readable',
  },
  'npd-no-newline': {
    script: 'npd_filesystem.sh',
    check: NPD,
    verdict: 'Failed',
    mapped: 'ProblemFound',
    words: 'EXT4-fs error (device sda1): remounted read-only',
  },

  // Vendors' checks of GPUs, storage, RAID, links and fans.
  'gpu-xid': { script: 'gpu_xid.sh', verdict: 'Failed', words: '[FAIL] GPU 0000:81:00: Xid 79' },
  'gpu-memory-json': {
    script: 'gpu_memory.py',
    needs: PYTHON,
    verdict: 'Failed',
    words: '{"gpu": 1, "retired_pages": 63, "reboot_needed": true}',
  },
  'gpu-missing-tool': {
    script: 'gpu_missing_tool.sh',
    check: IGNORE,
    verdict: 'Unknown',
    words: `${DIR}/gpu_missing_tool.sh: line 3: exec: nvidia-smi-of-no-image: not found`,
  },
  'gpu-traceback': {
    script: 'gpu_temperature.py',
    needs: PYTHON,
    check: { ...IGNORE, words: 'LastLine' },
    verdict: 'Failed',
    words: "KeyError: 'temperature'",
  },
  'gpu-traceback-says-nothing': {
    script: 'gpu_temperature.py',
    needs: PYTHON,
    check: { onStderr: 'Unknown' },
    verdict: 'Unknown',
    words: 'Traceback (most recent call last):',
  },
  'raid-adapter': {
    script: 'raid_adapter.sh',
    check: { exitCodes: { reasons: { 2: 'RaidDegraded' } } },
    verdict: 'Failed',
    mapped: 'RaidDegraded',
    words: 'RAID degraded: 252:1=Failed 252:2=Rbld',
  },
  'raid-md-awk': { script: 'raid_md.awk', verdict: 'Healthy', words: 'md: all arrays complete' },
  'nvme-errexit': { script: 'nvme_smart.sh', verdict: 'Failed', words: 'nvme0n1: 103% of its life used' },
  'zpool-trap': {
    script: 'zpool_health.sh',
    check: PLUGIN,
    verdict: 'Unknown',
    words: 'zpool_health: line 5 gave up',
  },
  'link-flaps-in-parallel': { script: 'link_flaps.sh', verdict: 'Failed', words: 'links: worst state 2' },
  'fan-progress': { script: 'fan_speed.sh', check: { words: 'LastLine' }, verdict: 'Failed', words: 'fan 2: 0 rpm' },
  'board-nul': { script: 'board_model.sh', verdict: 'Healthy', words: 'Example Board Rev 1.2' },
  'no-sudo': {
    script: 'chassis_intrusion.sh',
    check: { ...IGNORE, env: [{ name: 'PATH', value: `${DIR}/bin` }] },
    verdict: 'Unknown',
    words: `${DIR}/chassis_intrusion.sh: line 3: sudo: command not found`,
  },
  'no-su': {
    script: 'service_as_user.sh',
    check: { ...IGNORE, env: [{ name: 'PATH', value: `${DIR}/bin` }] },
    verdict: 'Unknown',
    words: `${DIR}/service_as_user.sh: line 3: su: command not found`,
  },

  // stdout and stderr, by number and by name.
  'stderr-by-name-ignored': {
    script: 'stderr_by_name.sh',
    check: IGNORE,
    verdict: 'Healthy',
    words: 'probing /dev/nvme0',
  },
  'stderr-by-name-failed': {
    script: 'stderr_by_name.sh',
    check: { onStderr: 'Failed' },
    verdict: 'Failed',
    words: 'probing /dev/nvme0',
  },
  'stdout-by-name': { script: 'stdout_by_name.sh', verdict: 'Failed', words: 'mount /data: read-only' },
  'tee-stderr': { script: 'tee_stderr.sh', check: IGNORE, verdict: 'Healthy', words: 'paths: 1 faulty' },
  'append-to-stderr': { script: 'append_to_stderr.sh', check: IGNORE, verdict: 'Healthy', words: 'dmsetup: both live' },
  'proc-self-fd': { script: 'proc_self_fd.sh', verdict: 'Healthy', words: 'bond0: both slaves up' },
  'merged-streams': {
    script: 'merged_streams.sh',
    check: { words: 'LastLine' },
    verdict: 'Healthy',
    words: 'everything goes to one stream',
  },
  'log-through-tee': { script: 'log_through_tee.sh', verdict: 'Healthy', words: 'bcache: writeback 12 % dirty' },
  'closed-streams': { script: 'closed_streams.sh', verdict: 'Healthy' },
  'stderr-only-ignored': {
    script: 'stderr_only.sh',
    args: ['0'],
    check: IGNORE,
    verdict: 'Healthy',
    words: 'iscsid: session 3 is in recovery',
  },
  'stderr-only-and-2': {
    script: 'stderr_only.sh',
    args: ['2'],
    check: IGNORE,
    verdict: 'Failed',
    words: 'iscsid: session 3 is in recovery',
  },
  'stderr-only-unknown': {
    script: 'stderr_only.sh',
    args: ['2'],
    check: { onStderr: 'Unknown' },
    verdict: 'Unknown',
    words: 'iscsid: session 3 is in recovery',
  },
  'stderr-only-fatal': {
    script: 'stderr_only.sh',
    args: ['2'],
    verdict: 'Fatal',
    words: 'iscsid: session 3 is in recovery',
  },
  'locale-warning-ignored': {
    script: 'locale_warning.sh',
    needs: PERL,
    check: IGNORE,
    verdict: 'Healthy',
    words: 'smartd: no new errors',
  },
  'locale-warning-fatal': {
    script: 'locale_warning.sh',
    needs: PERL,
    verdict: 'Fatal',
    words: 'perl: warning: Setting locale failed.',
  },
  'trace-ignored': { script: 'trace.sh', check: IGNORE, verdict: 'Healthy', words: 'load 1.5' },
  'trace-fatal': { script: 'trace.sh', verdict: 'Fatal', words: '+ load=1.5' },
  'deprecation-ignored': {
    script: 'deprecation.py',
    needs: PYTHON,
    check: IGNORE,
    verdict: 'Healthy',
    words: 'bus: 12 devices',
  },
  'deprecation-unknown': {
    script: 'deprecation.py',
    needs: PYTHON,
    check: { onStderr: 'Unknown' },
    verdict: 'Unknown',
    words: 'bus: 12 devices',
  },
  'no-terminal': { script: 'no_terminal.sh', verdict: 'Healthy', words: 'kernel: not tainted' },

  // The shell's own ways to end.
  'unset-variable': {
    script: 'unset_variable.sh',
    check: IGNORE,
    verdict: 'Failed',
    words: `${DIR}/unset_variable.sh: line 3: LIMIT_OF_OURS: unbound variable`,
  },
  'unset-variable-says-nothing': {
    script: 'unset_variable.sh',
    check: { onStderr: 'Unknown' },
    verdict: 'Unknown',
    words: `${DIR}/unset_variable.sh: line 3: LIMIT_OF_OURS: unbound variable`,
  },
  'errexit-pipefail': { script: 'errexit_pipefail.sh', verdict: 'Failed' },
  'trap-exit': { script: 'trap_exit.sh', verdict: 'Healthy', words: 'write test of /tmp: ok' },
  'trap-exit-last-line': {
    script: 'trap_exit.sh',
    check: { words: 'LastLine' },
    verdict: 'Healthy',
    words: 'work removed',
  },
  'trap-err': { script: 'trap_err.sh', verdict: 'Failed', words: 'kubelet_config: failed in line 5' },
  'exit-256': { script: 'exit_256.sh', verdict: 'Healthy', words: '256 blocks are bad' },
  'exit-300': {
    script: 'exit_300.sh',
    check: { exitCodes: { reasons: { 44: 'BadBlocks' } } },
    verdict: 'Failed',
    mapped: 'BadBlocks',
    words: '300 blocks are bad',
  },
  'exit-minus-one': {
    script: 'exit_minus_one.py',
    needs: PYTHON,
    check: { exitCodes: { reasons: { 255: 'NoAnswer' } } },
    verdict: 'Failed',
    mapped: 'NoAnswer',
    words: 'raid controller: no answer',
  },
  'silent-failure': { script: 'silent_failure.sh', verdict: 'Failed' },
  silent: { script: 'silent.sh', verdict: 'Healthy' },
  'early-reader': { script: 'early_reader.sh', verdict: 'Healthy', words: 'slot 0: present' },
  'early-reader-pipefail': {
    script: 'pipefail_sigpipe.sh',
    check: { exitCodes: { reasons: { 141: 'BrokenPipe' } } },
    verdict: 'Failed',
    mapped: 'BrokenPipe',
    words: 'slot 0: present',
  },
  'tool-was-killed': {
    script: 'tool_was_killed.sh',
    check: { ...IGNORE, exitCodes: { reasons: { 137: 'ToolKilled' } } },
    verdict: 'Failed',
    mapped: 'ToolKilled',
    words: 'journal: reading the journal',
  },
  'own-timeout': {
    script: 'own_timeout.sh',
    check: { exitCodes: { unknown: [124], reasons: { 124: 'NoAnswer' } } },
    verdict: 'Unknown',
    mapped: 'NoAnswer',
    words: 'nfs /home: no answer within 1 s',
  },
  'missing-tool': { script: 'missing_tool.sh', check: IGNORE, verdict: 'Unknown', words: 'checking the fabric' },
  'missing-tool-where-127-counts': {
    script: 'missing_tool.sh',
    check: { ...IGNORE, exitCodes: { unknown: [] } },
    verdict: 'Failed',
    words: 'checking the fabric',
  },
  'missing-tool-fatal': {
    script: 'missing_tool.sh',
    verdict: 'Fatal',
    words: `${DIR}/missing_tool.sh: line 3: ibstat-of-no-image: command not found`,
  },
  'missing-tool-midway-unknown': {
    script: 'missing_tool_midway.sh',
    check: { onStderr: 'Unknown' },
    verdict: 'Unknown',
    words: 'uncorrectable memory errors: 0',
  },
  'missing-tool-midway-ignored': {
    script: 'missing_tool_midway.sh',
    check: IGNORE,
    verdict: 'Healthy',
    words: 'uncorrectable memory errors: 0',
  },
  'not-executable-tool': {
    script: 'not_executable_tool.sh',
    check: IGNORE,
    verdict: 'Unknown',
    words: `${DIR}/not_executable_tool.sh: line 2: ${DIR}/lib/states.sh: Permission denied`,
  },

  // Signals and time.
  'kills-itself': { script: 'kills_itself.sh', verdict: 'Unknown', words: 'about to be killed' },
  'terminates-itself': { script: 'terminates_itself.sh', verdict: 'Unknown', words: 'giving up' },
  'own-term-handler': { script: 'own_term_handler.sh', verdict: 'Failed', words: 'told to stop: state saved' },
  'hangs-silently': { script: 'hangs_silently.sh', check: TIMES_OUT, verdict: 'Unknown' },
  'hangs-after-words': {
    script: 'hangs_after_words.sh',
    check: TIMES_OUT,
    verdict: 'Unknown',
    words: 'ceph: waiting for the monitors',
  },
  'hangs-and-counts': {
    script: 'hangs_after_words.sh',
    check: { ...TIMES_OUT, onTimeout: 'Failed' },
    verdict: 'Failed',
    words: 'ceph: waiting for the monitors',
  },
  'ignores-sigterm': {
    script: 'ignores_sigterm.sh',
    check: TIMES_OUT,
    verdict: 'Unknown',
    words: 'cannot be interrupted',
  },

  // What a script leaves running, and how it keeps others out.
  'child-in-group': { script: 'child_in_group.sh', verdict: 'Healthy', words: 'collector started' },
  'child-with-pipe': { script: 'child_with_pipe.sh', verdict: 'Failed', words: 'watcher started' },
  'child-setsid': { script: 'child_setsid.sh', verdict: 'Healthy', words: 'daemon asked to start' },
  'child-nohup': { script: 'child_nohup.sh', verdict: 'Healthy', words: 'left to itself' },
  'child-job-control': { script: 'child_job_control.sh', verdict: 'Failed', words: 'job control is on' },
  'lock-free': { script: 'lock_free.sh', check: PLUGIN, verdict: 'Healthy', words: 'lock taken and given back' },
  'lock-held': { script: 'lock_held.sh', check: PLUGIN, verdict: 'Unknown', words: 'another run holds the lock' },
  'pid-file': { script: 'stale_pid_file.sh', check: PLUGIN, verdict: 'Healthy', words: 'pid file is ours' },

  // What surrounds a run.
  environment: {
    script: 'environment.sh',
    verdict: 'Healthy',
    words: `policy environment on ${NODE_NAME} (${NODE_IP})`,
  },
  home: { script: 'home.sh', verdict: 'Healthy', words: 'home is /' },
  'relative-paths': { script: 'relative_paths.sh', verdict: 'Healthy', words: 'in /: found' },
  'reads-stdin': { script: 'reads_stdin.sh', verdict: 'Healthy', words: 'nothing to read, 0 bytes' },
  arguments: {
    script: 'arguments.sh',
    args: ['a b', '$HOME', '*', "it's", '', 'größer'],
    verdict: 'Healthy',
    words: "a b;$HOME;*;it's;;größer;",
  },
  'level-from-policy': {
    script: 'level_from_policy.sh',
    check: {
      env: [
        { name: 'LEVEL', value: 'deep' },
        { name: 'THRESHOLD', value: '4' },
      ],
    },
    verdict: 'Healthy',
    words: 'level deep, 5 allowed',
  },
  'own-path': {
    script: 'own_path.sh',
    check: { env: [{ name: 'PATH', value: `${DIR}/bin` }] },
    verdict: 'Healthy',
    words: 'vendorctl: 2 of 2 controllers answer',
  },
  'here-document': { script: 'here_document.sh', verdict: 'Healthy', words: 'inotify: 64 instances' },
  'env-split-arguments': { script: 'split_arguments.pl', needs: PERL, verdict: 'Healthy', words: 'taint mode: 1' },

  // What is written.
  utf8: {
    script: 'utf8.sh',
    verdict: 'Failed',
    words: 'Lüfter 2 steht – 0 U/min, größte Temperatur 91 °C 🔥',
  },
  'utf8-python': { script: 'python_utf8.py', needs: PYTHON, verdict: 'Healthy', words: 'Größe 97 %, 日本' },
  latin1: { script: 'latin1.sh', verdict: 'Healthy', words: 'L\ufffdfter 2 l\ufffduft' },
  'empty-lines-first': { script: 'empty_lines_first.sh', verdict: 'Healthy', words: 'chrony: synchronised' },
  'no-newline-1mib': { script: 'no_newline_1mib.sh', verdict: 'Healthy', words: `${'x'.repeat(253)}…` },
  'many-lines': { script: 'many_lines.sh', verdict: 'Failed', words: 'inode 1 checked' },
  'many-lines-last': {
    script: 'many_lines.sh',
    check: { words: 'LastLine' },
    verdict: 'Failed',
    words: '2 inodes need repair',
  },
  'json-pretty': { script: 'json_pretty.sh', verdict: 'Failed', words: '{' },
  'forged-log': {
    script: 'forged_log.sh',
    verdict: 'Failed',
    words: '{"level":"info","msg":"check healthy","policy":"other"}',
  },
  'own-secret': { script: 'own_secret.sh', check: { words: 'None' }, verdict: 'Failed' },

  // How files are saved. What does not begin says nothing about the node.
  'crlf-interpreter': { script: 'crlf_interpreter.sh', verdict: 'Unknown' },
  'crlf-lines': { script: 'crlf_lines.sh', check: IGNORE, verdict: 'Failed', words: 'DISK OK' },
  'byte-order-mark': { script: 'byte_order_mark.sh', verdict: 'Unknown' },
  'no-last-newline': { script: 'no_last_newline.sh', verdict: 'Healthy', words: 'saved without a last newline' },
  'no-interpreter': { script: 'no_interpreter.sh', verdict: 'Unknown' },
  'old-interpreter': { script: 'old_interpreter.py', verdict: 'Unknown' },
  'env-finds-no-interpreter': { script: 'env_interpreter.sh', verdict: 'Unknown' },
  'empty-file': { script: 'empty_file.sh', verdict: 'Unknown' },
  'not-executable': { script: 'not_executable.sh', verdict: 'Unknown' },
  'no-such-script': { script: 'no_such_check.sh', verdict: 'Unknown' },
  'a-directory': { script: 'lib', verdict: 'Unknown' },
};

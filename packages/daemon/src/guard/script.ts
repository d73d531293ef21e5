/**
 * The guard's program: a shell script, because it must be small (0.2 MiB of its own), need nothing of what may hang in
 * a worker, and be the parent of what it guards. It knows no network and no database; the files of `run/guard` are all it reads.
 *
 * | file           | writer | meaning                                                                             |
 * |----------------|--------|-------------------------------------------------------------------------------------|
 * | `up`           | guard  | pid, start time, boot: it is there, and SIGUSR1 wakes it                             |
 * | `due`          | worker | first word: when to kill, hundredths of a second since boot, or `none`; the rest is the worker's |
 * | `types`        | worker | `CASTELLAN_TYPE=...`, a line for each type whose processes are killed                |
 * | `launch-N`     | worker | defines `run`, which becomes the process                                            |
 * | `launched-N`   | guard  | pid and start time, or `late`                                                       |
 * | `exit-PID-S`   | guard  | how the process with this pid and start time has ended                              |
 * | `swept`        | guard  | the `due` after which nothing was found alive                                       |
 *
 * P1 What it starts dies with it (`setpriv --pdeathsig` in `run`), so what is granted never runs without a guard.
 * P2 When `due` has come it kills the groups it has started, each by pid and start time, then whatever carries the names of a
 *    granted type of this home, again and again until nothing is left. Until `due` changes it starts nothing.
 * P3 The time is that of /proc/uptime: it counts while the host sleeps. Between two looks there is at most one second.
 */

/** `$1 $2`: `--home DIR`. Runs in `run/guard`. */
export const GUARD_SCRIPT = `# The guard of a Castellan server: kills what may no longer run there. Written anew whenever it is started.
home=$2
kids=
swept=
sleeper=
wake() { :; }
trap wake USR1
trap wake CHLD
trap '' HUP INT

# The start time of a process, in start; fails when it is dead.
started() {
  { IFS= read -r line < "/proc/$1/stat"; } 2>/dev/null || return 1
  set -- \${line##*) }
  case $1 in Z|X) return 1 ;; esac
  start=\${20}
}

sweep() {
  for kid in $kids; do
    if started "\${kid%:*}" && [ "$start" = "\${kid#*:}" ]; then
      kill -KILL -- "-\${kid%:*}" 2>/dev/null || kill -KILL "\${kid%:*}" 2>/dev/null
    fi
  done
  found=
  for environ in $(grep -lszxF -f types /proc/[0-9]*/environ 2>/dev/null); do
    grep -qszxF "CASTELLAN_HOME=$home" "$environ" || continue
    pid=\${environ#/proc/}
    kill -KILL "\${pid%/environ}" 2>/dev/null
    found=yes
  done
  [ -n "$found" ] && return
  swept="$due $rest"
  echo "$swept" > swept
}

started $$
echo "$$ $start $CASTELLAN_BOOT" > up
while :; do
  read -r due rest < due
  read -r now idle < /proc/uptime
  now=\${now%.*}\${now#*.}
  isDue=
  [ "$due" != none ] && [ "$now" -ge "$due" ] && isDue=yes
  for request in launch-*; do
    [ -f "$request" ] || continue
    id=\${request#launch-}
    if [ -n "$isDue" ]; then
      rm -f "$request"
      echo late > "launched-$id"
      continue
    fi
    command . "./$request" || continue
    rm -f "$request"
    run < /dev/null &
    pid=$!
    started "$pid" || start=0
    kids="$kids $pid:$start"
    echo "$pid $start" > "launched-$id"
  done
  left=
  for kid in $kids; do
    pid=\${kid%:*}
    if kill -0 "$pid" 2>/dev/null; then
      left="$left $kid"
    else
      wait "$pid"
      echo "$?" > "exit-$pid-\${kid#*:}"
    fi
  done
  kids=$left
  pause=1
  if [ -n "$isDue" ]; then
    [ "$swept" = "$due $rest" ] || { sweep; pause=0.1; }
  elif [ "$due" != none ]; then
    pause=$((due - now))
    case $pause in
      ?) pause=0.0$pause ;;
      ??) pause=0.$pause ;;
      *) pause=1 ;;
    esac
  fi
  # Whoever wakes us ends the wait, not the sleep: one that is under way will do, unless it is too long now.
  if [ -n "$sleeper" ] && [ "$pause" != 1 ]; then
    kill "$sleeper" 2>/dev/null
    sleeper=
  fi
  if [ -z "$sleeper" ] || ! kill -0 "$sleeper" 2>/dev/null; then
    sleep "$pause" &
    sleeper=$!
  fi
  wait "$sleeper" 2>/dev/null && sleeper=
done
`;

/** A word as the shell reads it back unchanged, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

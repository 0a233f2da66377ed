// Commands in the sandbox in memory: what of this machine, of its processes or of another call could be seen, kept or used up.
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

/** `word`: stands in files and in the environment of this machine, and in no answer. */
export const inMemoryCommands = (file: string): readonly string[] => [
  `cat ${file}`,
  `cat ../../../../..${file}; cd / && cat .${file}`,
  `ln -s ${file} /tmp/link; cat /tmp/link`,
  `source ${file}; . ${file}; bash ${file}; sh -c "cat ${file}"`,
  `head -c 100 ${file} /proc/self/environ /proc/1/environ; strings /proc/self/mem`,
  'env; printenv; set; declare -p; export -p',
  'cat /proc/self/cmdline /proc/self/maps /proc/mounts; ls -la /proc/self/fd /proc/self/root/',
  'ls -la / /root /home /tmp /etc /var; find / -name "*.token" -o -name "*.key"',
  `grep -r word / 2>/dev/null; rg word / ; sed -n p ${file}; awk 1 ${file}; sort ${file}; od -c ${file}`,
  'curl http://127.0.0.1:1/; wget http://127.0.0.1:1/; nc 127.0.0.1 1; exec 3<>/dev/tcp/127.0.0.1/1; cat <&3',
  'node -e "process.exit(7)"; python3 -c "import os; os.system(\'id\')"; perl -e "exec q(id)"; js-exec "process.exit()"',
  'sqlite3 /tmp/x.db ".shell id"; yq --version; xan --version; tar -xf /etc/passwd',
  `awk 'BEGIN { system("cat ${file}"); while ((getline line < "${file}") > 0) print line }'`,
  `xargs -I{} cat {} <<< ${file}; find ${file} -exec cat {} \\;; timeout 5 cat ${file}`,
  'kill -9 1; kill -9 $PPID; kill -9 -1; trap "" TERM; ulimit -a; nohup sleep 1000 & disown',
  'mkdir -p /usr/local/bin; printf "#!/bin/sh\\nid" > /usr/local/bin/ls; chmod 4755 /usr/local/bin/ls; ls',
  'unset PATH; /bin/cat /etc/shadow; command -p cat /etc/shadow; builtin cd /; pwd -P',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell reads it.
  'x=__proto__; declare -A a; a[__proto__]=1; a[constructor]=2; echo ${a[__proto__]} ${a[toString]}; export __proto__=1 constructor=2',
  'eval "$(printf \'\\\\x63\\\\x61\\\\x74\') /etc/hostname"; $(echo cat) /etc/hostname',
]

/** What would not end, or needs all memory; each ends within the time that the agent gives its tools. */
export const inMemoryBombs: readonly string[] = [
  ':(){ :|:& };:',
  'f() { f; f; }; f',
  'while :; do :; done',
  'yes',
  'x=x; while :; do x=$x$x; done',
  'head -c 100000000000 /dev/zero | wc -c',
  'for i in $(seq 1 1000000000); do :; done',
  'printf "%1000000000s" x | wc -c',
  'echo {1..100000000} | wc -c',
  'awk "BEGIN { while (1) s = s s \\"x\\" }"',
  'grep -E "(a+)+$" <<< aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!',
  'seq 1 100000000 > /tmp/big; cat /tmp/big /tmp/big > /tmp/bigger',
]

/** Each in a session of its own, some at once. */
export async function tryInMemory(
  world: World,
  agent: string,
  { file, word }: { readonly file: string; readonly word: string },
  tally: Tally,
): Promise<void> {
  const run = async (command: string) => {
    const { session } = await world.api.create(agent)
    const ended = await world.api.turn(session.id, `!shell ${command}`)
    const log = await world.readLog(session.id)
    const results = log.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'tool-call.completed')
    return { status: ended.turn.status, text: JSON.stringify(results), count: results.length }
  }
  const all = [...inMemoryCommands(file), ...inMemoryBombs]
  for (let at = 0; at < all.length; at += 6)
    await Promise.all(
      all.slice(at, at + 6).map(async (command) => {
        const { status, text, count } = await run(command)
        const held = status === 'completed' && count === 1 && !text.includes(word) && !text.includes('root:x:0')
        tally.note('a command in memory', command.slice(0, 60), held ? 'refused' : 'got through')
      }),
    )
}

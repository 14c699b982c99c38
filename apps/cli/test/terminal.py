"""Runs a command in a terminal of 80 x 24, presses keys each time that it shows the next word, and prints what it has written and its exit
code as JSON: `terminal.py [[WORD, KEYS], …] COMMAND…`."""
import fcntl, json, os, pty, struct, sys, termios

steps, *command = sys.argv[1:]
steps = json.loads(steps)
seen = 0
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
text = b""
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    text += piece
    if steps and steps[0][0].encode() in text[seen:]:
        seen = len(text)
        os.write(terminal, steps.pop(0)[1].encode())
print(json.dumps({"text": text.decode(), "code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}))

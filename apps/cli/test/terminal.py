"""Runs a command in a terminal of 80 x 24 until it shows a word, presses keys, and prints what it has written and its exit code as JSON."""
import fcntl, json, os, pty, struct, sys, termios

word, keys, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
text = b""
pressed = False
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    text += piece
    if not pressed and word.encode() in text:
        pressed = True
        os.write(terminal, keys.encode())
print(json.dumps({"text": text.decode(), "code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}))

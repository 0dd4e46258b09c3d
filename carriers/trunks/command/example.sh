#!/bin/sh
# An example of a program for driver = "command": keeps each order in a file of $1, with the time at which it ends. Needs python3 for the JSON.
# Your own would speak to the PBX where this reads and writes files.
exec python3 -c '
import json, os, sys, time
directory = sys.argv[1]
asked = json.loads(sys.stdin.readline())
path = os.path.join(directory, asked["key"] + ".json")
if asked["do"] == "set":
    with open(path + ".new", "w") as f:
        json.dump({"order": asked["order"], "ends": time.time() + asked["lease_s"]}, f)
    os.replace(path + ".new", path)  # whole, or not at all
    print(json.dumps({"done": True}))
elif asked["do"] == "get":
    try:
        with open(path) as f:
            kept = json.load(f)
    except FileNotFoundError:
        kept = {"ends": 0}
    left = kept["ends"] - time.time()
    print(json.dumps({"order": kept["order"], "lease_s": left} if left > 0 else {"order": None}))
else:
    print(json.dumps({"error": "asked to do " + str(asked["do"]), "remedy": "this example knows set and get"}))
' "$@"

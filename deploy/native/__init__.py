"""The stack without Docker: the services of docker-compose.yml as processes of this machine, on 127.0.0.1.

`compose` reads the file, `fetch` brings the programs, `programs` says how each image's program is started here,
`translation` turns names and paths of containers into those of this machine, `stack` starts and stops.
"""

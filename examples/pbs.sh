#!/bin/bash
# Trains a model by Trireme under PBS, over as many jobs as the run needs. To be copied and edited.
# NOT TESTED with a PBS: written from its manual; the script for Slurm (`trireme submit`) is tested.
#
# PBS sends no signal before the limit: the run ends by the clock, with a checkpoint and code 85.
# Then the next job is submitted, which gives the same command again and goes on from there.

#PBS -N run
#PBS -l select=2:ncpus=5:mpiprocs=5
#PBS -l walltime=24:00:00
#PBS -r y
#PBS -j oe

seconds=$((24 * 3600 - 300)) # the limit, less the time for a checkpoint
script=run.pbs               # this file, for the next job

cd "$PBS_O_WORKDIR" || exit 2
run=
ask() { # TERM comes from qdel and from preemption
    interrupted=yes
    [ -z "$run" ] || kill -USR1 "$run" 2>/dev/null
}
trap ask USR1 TERM

# 10 ranks: 1 coordinator, 1 server, 8 workers. An Open MPI that was built for PBS knows the hosts.
trireme train run.yaml --out run --workers 8 --servers 1 --hostfile "$PBS_NODEFILE" \
    --max-seconds "$seconds" &
run=$!
interrupted=yes
while [ $interrupted = yes ]; do # a signal ends wait, not the run
    interrupted=no
    wait "$run"
    code=$?
done
[ $code -ne 85 ] || qsub "$script"
exit $code

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
again=no # whether it is to be told again
ask() { # TERM comes from qdel and from preemption
    again=yes
    [ -z "$run" ] || kill -USR1 "$run" 2>/dev/null
}
trap ask USR1 TERM

# 10 ranks: 1 coordinator, 1 server, 8 workers. An Open MPI that was built for PBS knows the hosts.
trireme train run.yaml --out run --workers 8 --servers 1 --hostfile "$PBS_NODEFILE" \
    --max-seconds "$seconds" &
run=$!
while :; do
    if [ $again = yes ]; then # what comes while it begins may be lost
        again=no
        sleep 1 &
        wait $!
        [ -z "$(jobs -rp)" ] || kill -USR1 "$run" 2>/dev/null
    fi
    wait "$run"
    code=$?
    [ $again = yes ] || break # a signal ends wait, not the run
done
[ $code -ne 85 ] || qsub "$script"
exit $code

"""Steers a run with the official Python client over stdio, in its modern mode:
python mcp_steer.py PROGRAM ARGUMENT... Prints what it saw as one line of JSON."""
import asyncio
import json
import sys
import time

from mcp import Client, StdioServerParameters


async def main(program, *arguments):
    async with Client(StdioServerParameters(command=program, args=list(arguments))) as client:
        tools = (await client.list_tools()).tools
        briefing = (await client.call_tool("briefing", {})).structured_content
        lr = [may for may in briefing["may_change"] if may["path"] == "optimizer.lr"][0]
        wrong = await client.call_tool(
            "propose", {"set": ["optimizer.lr=%r" % (lr["max"] * 2)], "why": "faster"})
        right = await client.call_tool(
            "propose", {"set": ["optimizer.lr=0.003"], "why": "the loss falls slowly"})
        state, end = "queued", time.monotonic() + 200
        while state in ("queued", "open") and time.monotonic() < end:
            await asyncio.sleep(0.5)
            rows = (await client.call_tool("proposals_ls", {})).structured_content["proposals"]
            state = [r for r in rows
                     if r["number"] == right.structured_content["number"]][0]["state"]
        resource = await client.read_resource("trireme://run/briefing")
        prompt = await client.get_prompt("steer")
        print(
            json.dumps({
                "tools": len(tools), "step": briefing["step"], "refused": wrong.is_error
                and wrong.content[0].text, "accepted": right.structured_content["accepted"],
                "state": state, "resource": len(resource.contents[0].text),
                "prompt": len(prompt.messages[0].content.text), "era": client.protocol_version
            }))


asyncio.run(main(*sys.argv[1:]))

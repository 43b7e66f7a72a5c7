"""What a program does with the two usual clients for Python.

Arguments: the gateway's address, a key, what the gateway needs of them ("open": nothing, "header" or "path"), and
whether the model embeds ("yes" or "no").
Prints one line for each thing tried: "ok NAME" or "WRONG NAME: what happened".
"""
import sys
import traceback

import ollama
import openai

address, key, needs, embeds = sys.argv[1:]
model = "qwen3:32b"
hello = [{"role": "user", "content": "hello"}]
base = address + ("/key/" + key if needs == "path" else "")
bearer = key if needs == "header" else "ollama"
of_openai = openai.OpenAI(base_url=base + "/v1", api_key=bearer, max_retries=0, timeout=30)
of_ollama = ollama.Client(host=base, headers={"Authorization": "Bearer " + bearer}, timeout=30)


def tried(name, test, error=None, status=None):
    """Says whether the test returns something true, or raises that error with that status."""
    try:
        result = test()
        right = result and error is None
        what = repr(result)
    except Exception as raised:  # whatever it is, it is told
        right = error is not None and isinstance(raised, error) and raised.status_code == status
        what = "".join(traceback.format_exception_only(raised)).strip()
    print("ok" if right else "WRONG", name if right else f"{name}: {what[:500]}")


def joined(chunks):
    return "".join(chunks)


tried("openai whole", lambda: of_openai.chat.completions.create(model=model, messages=hello, max_tokens=3).choices[0].message.content)
tried("openai stream", lambda: joined(
    c.choices[0].delta.content or "" for c in of_openai.chat.completions.create(model=model, messages=hello, max_tokens=3, stream=True) if c.choices))
tried("openai stream with usage", lambda: [
    c.usage.completion_tokens for c in of_openai.chat.completions.create(
        model=model, messages=hello, max_tokens=3, stream=True, stream_options={"include_usage": True}) if c.usage])
tried("openai completions", lambda: of_openai.completions.create(model=model, prompt="hello", max_tokens=3).choices[0].text)
tried("openai embeddings", lambda: of_openai.embeddings.create(model=model, input=["a", "b"]).data[1].embedding,
      *([] if embeds == "yes" else [openai.InternalServerError, 501]))
tried("openai list", lambda: [m.id for m in of_openai.models.list()] == [model])
tried("openai retrieve", lambda: of_openai.models.retrieve(model).id == model)
tried("openai retrieve what is not there", lambda: of_openai.models.retrieve("nothing"), openai.NotFoundError, 404)
tried("openai retrieve with a host", lambda: of_openai.models.retrieve("hf.co/me/mine"), openai.NotFoundError, 404)
tried("openai a model that is not there", lambda: of_openai.chat.completions.create(model="nothing", messages=hello), openai.NotFoundError, 404)
tried("openai what Ollama has not", lambda: of_openai.fine_tuning.jobs.list(), openai.NotFoundError, 404)
tried("openai nothing to say", lambda: of_openai.chat.completions.create(model=model, messages=[]), openai.BadRequestError, 400)

tried("ollama whole", lambda: of_ollama.chat(model, hello, options={"num_predict": 3}).message.content)
tried("ollama stream", lambda: joined(c.message.content or "" for c in of_ollama.chat(model, hello, options={"num_predict": 3}, stream=True)))
tried("ollama generate", lambda: of_ollama.generate(model, "hello", options={"num_predict": 3}).response)
tried("ollama embed", lambda: of_ollama.embed(model, ["a", "b"]).embeddings[1],
      *([] if embeds == "yes" else [ollama.ResponseError, 501]))
tried("ollama list", lambda: [m.model for m in of_ollama.list().models] == [model])
tried("ollama show", lambda: of_ollama.show(model).modelinfo)
tried("ollama ps", lambda: [m.model for m in of_ollama.ps().models] == [model])
tried("ollama a model that is not there", lambda: of_ollama.chat("nothing", hello), ollama.ResponseError, 404)
tried("ollama copy", lambda: of_ollama.copy(model, "copied"))
tried("ollama delete", lambda: of_ollama.delete("copied").status == "success")
if needs != "open":
    wrong = openai.OpenAI(base_url=address + "/v1", api_key="wrong", max_retries=0, timeout=30)
    tried("openai a wrong key", lambda: wrong.models.list(), openai.AuthenticationError, 401)
    tried("ollama a wrong key", lambda: ollama.Client(host=address + "/key/wrong").list(), ollama.ResponseError, 401)
print("end")

"""The official OpenAI SDK against a providersim started with --api-key secret --models sim."""
import os
import unittest

import openai

BASE_URL = os.environ["PROVIDERSIM_URL"]


def client(**options):
    options = {"api_key": "secret", "max_retries": 0, "timeout": 20, **options}
    return openai.OpenAI(base_url=BASE_URL, **options)


def ask(text, api=None, model="sim", **options):
    messages = [{"role": "user", "content": text}]
    return (api or client()).chat.completions.create(model=model, messages=messages, **options)


class OpenAiSdkTest(unittest.TestCase):
    def test_answers_whole(self):
        answer = ask("My dog is called Rex.")
        self.assertEqual(answer.choices[0].message.content, "Noted. My dog is called Rex.")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.usage.completion_tokens, 6)
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, 0)

    def test_streams_with_usage(self):
        chunks = list(ask("/sim tokens 20\n/sim events 5", stream=True, stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, " ".join(f"t{i}" for i in range(1, 21)))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")
        self.assertEqual(chunks[-1].usage.completion_tokens, 20)

    def test_lists_models(self):
        self.assertEqual([m.id for m in client().models.list()], ["sim"])
        self.assertEqual(client().models.retrieve("sim").id, "sim")

    def test_raises_typed_errors(self):
        for text, error in [
            ("/sim status 400", openai.BadRequestError),
            ("/sim status 403", openai.PermissionDeniedError),
            ("/sim status 429 1000", openai.RateLimitError),
            ("/sim status 500", openai.InternalServerError),
        ]:
            with self.assertRaises(error) as raised:
                ask(text)
            self.assertTrue(raised.exception.request_id.startswith("req_"))
        with self.assertRaises(openai.NotFoundError) as raised:
            ask("hi", model="other")
        self.assertEqual(raised.exception.code, "model_not_found")
        with self.assertRaises(openai.AuthenticationError) as raised:
            ask("hi", client(api_key="wrong"))
        self.assertEqual(raised.exception.code, "invalid_api_key")
        with self.assertRaises(openai.BadRequestError) as raised:
            ask("hi", temperature=3)
        self.assertEqual(raised.exception.param, "temperature")

    def test_raises_on_an_error_inside_a_stream(self):
        with self.assertRaises(openai.APIError):
            list(ask("/sim tokens 5\n/sim error-after 2", stream=True))

    def test_raises_on_a_lost_connection_and_on_silence(self):
        with self.assertRaises(openai.APIConnectionError):
            ask("/sim cut-after 0")
        with self.assertRaises(openai.APITimeoutError):
            ask("/sim hang-before", client(timeout=0.2))

    def test_retries_by_itself_until_it_succeeds(self):
        text = "/sim key retry\n/sim fail-first 2 status 500\n/sim tokens 1"
        self.assertEqual(ask(text, client(max_retries=2)).choices[0].message.content, "t1")


if __name__ == "__main__":
    unittest.main()
